// Says that a request of htmx failed, as the page itself shows nothing then, or that there is no
// connection; and gives the focus to
// what replaces that which had it. Htmx does so by id, but one product may have several hearts.
(() => {
  const say = (words) => {
    document.getElementById("failure").textContent = words;
  };
  const { words } = document.getElementById("failure").dataset;
  const { offline } = document.body.dataset;
  addEventListener("offline", () => say(offline));
  addEventListener("online", () => say(""));
  document.addEventListener("htmx:beforeRequest", () => say(""));
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, (event) => {
      // That form is sent again by its own script.
      if (event.detail.elt.id !== "photo-form") {
        say(navigator.onLine ? words : offline);
      }
    });
  }
  let place; // around what had the focus; the header's counts are swapped, too
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    place = detail.target === document.activeElement ? detail.target.parentElement : null;
  });
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (!place?.contains(target)) return;
    target.focus({ preventScroll: true });
    place = null;
  });
})();
