// Arrows and thumbnails move the pictures without a jump of the page, and a tapped picture opens
// large. Without this file the pictures scroll by themselves and open as pages of their own.
(() => {
  const gallery = document.querySelector(".gallery");
  const slides = gallery.querySelector(".slides");
  const links = [...slides.querySelectorAll(".zoom")];
  if (!links.length) return;
  const dialog = gallery.querySelector(".zoomed");
  const large = dialog.querySelector(".slides");
  const thumbs = [...gallery.querySelectorAll(".thumbs a")];
  const detail = gallery.querySelector(".detail");

  let enlarged = 0;

  const place = (track) => Math.round(track.scrollLeft / track.clientWidth);
  const move = (track, index, behavior = "smooth") =>
    track.scrollTo({ left: index * track.clientWidth, behavior });
  const step = (track, by) => {
    const count = track.children.length;
    move(track, (place(track) + by + count) % count);
  };

  function follow() {
    const here = place(slides);
    thumbs.forEach((thumb, index) => {
      if (index === here) thumb.setAttribute("aria-current", "true");
      else thumb.removeAttribute("aria-current");
    });
    detail.href = links[here].dataset.detail;
  }

  function open(index) {
    if (!large.children.length) {
      for (const link of links) {
        const picture = new Image();
        picture.src = link.href;
        picture.alt = link.querySelector("img").alt;
        const slide = document.createElement("div");
        slide.append(picture);
        large.append(slide);
      }
    }
    dialog.showModal();
    enlarged = index;
    move(large, index, "instant");
  }

  links.forEach((link, index) =>
    link.addEventListener("click", (event) => {
      event.preventDefault();
      open(index);
    })
  );
  thumbs.forEach((thumb, index) =>
    thumb.addEventListener("click", (event) => {
      event.preventDefault();
      move(slides, index);
    })
  );
  slides.addEventListener("scroll", follow, { passive: true });
  large.addEventListener("scroll", () => {
    if (large.clientWidth) enlarged = place(large); // a closed dialog has no width
  }, { passive: true });
  for (const track of [slides, large]) {
    const arrows = track.parentElement.querySelectorAll(".arrow");
    arrows.forEach((arrow) => {
      arrow.hidden = false;
      arrow.addEventListener("click", () => step(track, arrow.matches(".next") ? 1 : -1));
    });
  }
  large.addEventListener("click", ({ target }) => {
    if (target.tagName === "IMG") target.classList.toggle("twice");
  });
  dialog.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(large, by);
  });
  dialog.querySelector(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const picture of large.querySelectorAll(".twice")) picture.classList.remove("twice");
    move(slides, enlarged, "instant");
    links[enlarged].focus({ preventScroll: true });
  });
})();
