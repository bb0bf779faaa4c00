// Counts which blocks of recommendations are seen and followed, and which products are looked at
// in one visit; never by whom.
(() => {
  if (navigator.doNotTrack === "1" || navigator.globalPrivacyControl) return;
  const send = (...events) => {
    const body = new URLSearchParams(events.map((event) => ["event", event.join(",")]));
    navigator.sendBeacon("/events/", body);
  };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      send([entry.target.dataset.block, "seen", ""]);
    }
  }, { threshold: 0.3 });
  const watch = (root) => {
    const blocks = root.matches?.("[data-block]") ? [root] : root.querySelectorAll("[data-block]");
    for (const block of blocks) {
      if (block.querySelector("[data-product-id]")) watcher.observe(block);
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    watch(document.body);
    const viewed = document.querySelector("[data-viewed]");
    if (viewed) send(["product", "viewed", viewed.dataset.viewed]);
  });
  document.addEventListener("htmx:load", (event) => watch(event.detail.elt));
  document.addEventListener("click", (event) => {
    const card = event.target.closest("[data-block] a")?.closest("[data-product-id]");
    if (card) {
      send([card.closest("[data-block]").dataset.block, "followed", card.dataset.productId]);
    }
  });
})();
