// Closes the open section of the menu by Escape and by a click beside it, and on phones takes the
// header away while the page is scrolled down.
(() => {
  const header = document.querySelector(".site-header");
  const open = () => header.querySelector(".site-nav details[open]");
  const close = (section) => {
    if (section && matchMedia("(min-width: 801px)").matches) section.open = false;
  };
  document.addEventListener("click", ({ target }) => {
    if (!open()?.contains(target)) close(open());
  });
  header.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !open()) return;
    const summary = open().querySelector("summary");
    close(open());
    summary.focus();
  });
  header.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !open()?.contains(relatedTarget)) close(open());
  });
  header.addEventListener("focusin", () => header.classList.remove("away"));
  let last = scrollY;
  addEventListener("scroll", () => {
    if (Math.abs(scrollY - last) < 8) return;
    header.classList.toggle("away", scrollY > last && scrollY > header.offsetHeight);
    last = scrollY;
  }, { passive: true });
})();
