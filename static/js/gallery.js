// A tapped picture opens large, in a dialog. Without this file it opens as a page of its own.
document.querySelectorAll("a.zoom").forEach((link) => {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const dialog = document.createElement("dialog");
    dialog.className = "zoomed";
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "×";
    close.setAttribute("aria-label", link.dataset.close);
    const picture = new Image();
    picture.src = link.href;
    picture.alt = link.querySelector("img").alt;
    dialog.append(close, picture);
    dialog.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
});
