// Opens the panel that shows what was added to the cart, shows a refusal beside the sizes, and saves
// a quantity of the cart when its stepper is pressed. Without this file the forms are sent as pages.
(() => {
  let form; // that was sent last
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { elt } = detail.requestConfig;
    if (!elt.matches("[hx-target='#cart-panel']")) return;
    form = elt;
    document.getElementById("buy-error").textContent = "";
    // A refusal has a message for the shopper; others are failures, see requests.js.
    if (detail.xhr.status === 422) Object.assign(detail, { shouldSwap: true, isError: false });
  });
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (target.id === "cart-panel" && !target.open) target.showModal();
    if (target.id !== "buy-error") return;
    const size = form.querySelector(".sizes input:enabled, select");
    size?.focus({ preventScroll: true });
    target.scrollIntoView({ block: "center" });
  });
  const panel = document.getElementById("cart-panel");
  panel?.addEventListener("click", ({ target }) => {
    if (target === panel) panel.close(); // the backdrop
  });
  panel?.addEventListener("close", () => form.querySelector("[type=submit]").focus());
  document.querySelector(".size-link")?.addEventListener("click", () => {
    document.getElementById("size-guide").open = true;
  });
  // The buttons of a line keep the focus by their ids; those of a removed line are gone.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    if (target.id === "cart" && document.activeElement === document.body) {
      document.getElementById("messages").focus();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest(".stepper [name=step]");
    if (!button) return;
    event.preventDefault();
    const input = button.form.elements.quantity;
    if (button.value > 0) input.stepUp();
    else input.stepDown();
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
