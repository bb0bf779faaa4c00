// Lists of filters that were unfolded stay so when the filters come anew, and so does the focus.
(() => {
  let unfolded = [], focused = "";
  const each = (ids, what) =>
    ids.map((id) => document.getElementById(id)).filter(Boolean).forEach(what);
  document.addEventListener("htmx:beforeSwap", (event) => {
    unfolded = [...event.detail.target.querySelectorAll("details[open]")].map(({ id }) => id);
    focused = event.detail.target.contains(document.activeElement) ? document.activeElement.id : "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    each(unfolded, (details) => {
      details.open = true;
    });
    // Htmx could not give it to what was folded.
    each([focused], (element) => element.focus({ preventScroll: true }));
    unfolded = [];
    focused = "";
  });
})();
