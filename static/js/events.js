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
    if (!card) return;
    const { block } = card.closest("[data-block]").dataset;
    send([block, "followed", card.dataset.productId]);
    // Kept in this tab alone, to say which block led to what is put into the cart.
    sessionStorage.setItem(`from-${card.dataset.productId}`, block);
  });
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    const product = document.querySelector("[data-viewed]")?.dataset.viewed;
    const block = target.id === "cart-panel" && sessionStorage.getItem(`from-${product}`);
    if (!block) return;
    send([block, "added", product]);
    sessionStorage.removeItem(`from-${product}`);
  });
})();
