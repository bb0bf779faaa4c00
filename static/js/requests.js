// Says that a request of htmx failed, as the page itself shows nothing then; and gives the focus to
// what replaces that which had it. Htmx does so by id, but one product may have several hearts.
(() => {
  const say = (words) => {
    document.getElementById("failure").textContent = words;
  };
  document.addEventListener("htmx:beforeRequest", () => say(""));
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, (event) => {
      // That form is sent again by its own script.
      if (event.detail.elt.id !== "photo-form") {
        say(document.getElementById("failure").dataset.words);
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
