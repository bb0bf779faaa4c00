// Lists of filters that were unfolded stay so when the filters come anew, and so does the focus.
(() => {
  let unfolded = [], focused = "", scrolled = 0, cards = -1;
  const each = (ids, what) =>
    ids.map((id) => document.getElementById(id)).filter(Boolean).forEach(what);
  const drawer = () => document.querySelector("#filters .drawer");
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    document.getElementById("listing")?.setAttribute("aria-busy", "true");
    cards = detail.elt.matches(".load-more") ? document.querySelectorAll(".grid .card").length : -1;
  });
  document.addEventListener("htmx:afterRequest", () => {
    document.getElementById("listing")?.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    unfolded = [...event.detail.target.querySelectorAll("details[open]")].map(({ id }) => id);
    focused = event.detail.target.contains(document.activeElement) ? document.activeElement.id : "";
    scrolled = drawer()?.scrollTop ?? 0;
  });
  document.addEventListener("htmx:afterSwap", () => {
    each(unfolded, (details) => {
      details.open = true;
    });
    // Htmx could not give it to what was folded.
    each([focused], (element) => element.focus({ preventScroll: true }));
    if (drawer()) drawer().scrollTop = scrolled;
    // The link to more products is replaced: the first of them is what was asked for.
    if (cards >= 0) {
      document.querySelectorAll(".grid .card > a")[cards]?.focus({ preventScroll: true });
    }
    unfolded = [];
    focused = "";
    cards = -1;
  });
  // What is behind the drawer is up to date already.
  const close = () => {
    const filters = document.getElementById("filters");
    filters.open = false;
    filters.querySelector("summary").focus({ preventScroll: true });
    document.getElementById("listing").scrollIntoView();
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(".show-results")) {
      event.preventDefault();
      close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest?.("#filters[open]")) close();
  });

  // Back to a list that was made longer, in a browser that does not keep the page itself.
  const grid = document.querySelector(".results .grid");
  const [visit] = performance.getEntriesByType("navigation");
  const kept = JSON.parse(sessionStorage.getItem("list") ?? "{}");
  if (grid && visit?.type === "back_forward" && kept.address === location.href) {
    grid.innerHTML = kept.cards;
    globalThis.htmx?.process(grid);
    scrollTo(0, kept.top);
  }
  let longer = kept.address === location.href;
  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (detail.elt.matches(".load-more, .filters")) longer = detail.elt.matches(".load-more");
  });
  addEventListener("pagehide", () => {
    const cards = document.querySelector(".results .grid")?.innerHTML;
    if (!longer || !cards) return;
    try {
      sessionStorage.setItem(
        "list",
        JSON.stringify({ address: location.href, cards, top: scrollY }),
      );
    } catch {
      // No room: Back shows the last page alone.
    }
  });
})();
