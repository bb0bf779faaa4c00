// Says that a request of htmx failed: the page itself shows nothing then.
(() => {
  const say = (words) => { document.getElementById("failure").textContent = words; };
  document.addEventListener("htmx:beforeRequest", () => say(""));
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, (event) => {
      // That form is sent again by its own script.
      if (event.detail.elt.id !== "photo-form") say(document.getElementById("failure").dataset.words);
    });
  }
})();
