// Drop, paste, preview, make smaller, and show the results without loading a page. Without this file
// the form is a plain file upload. All is heard at the document: htmx may bring the form back later.
const MAX_SIDE = 1024;
const BIG = 1.5e6;
// The server chooses a ground on which a white garment is seen, too.
const TRANSPARENT = ["image/png", "image/webp", "image/gif", "image/avif"];
// Most results are there before a preview would have been looked at, and drawing it delays them.
const PREVIEW_MS = 150;
const theForm = () => document.getElementById("photo-form");

function say(form, words) {
  form.querySelector("#progress").textContent = words;
}

function choose(form, files) {
  if (!form || !files.length) return;
  form.elements.photo.files = only(files[0]);
  send(form);
}

function only(file) {
  const transfer = new DataTransfer();
  transfer.items.add(file);
  return transfer.files;
}

async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const type = TRANSPARENT.includes(file.type) ? "image/png" : "image/jpeg";
    const blob = await new Promise((done) => canvas.toBlob(done, type, 0.9));
    return new File([blob], "photo", { type });
  } catch {
    return file; // a format that the browser does not know: the server reads it
  }
}

function show(preview, file) {
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  preview.onerror = () => {
    preview.hidden = true;
  };
}

async function send(form) {
  const input = form.elements.photo;
  const file = input.files[0];
  if (!file) return;
  say(form, form.querySelector("#progress").dataset.busy);
  setTimeout(() => show(form.querySelector("#preview"), file), PREVIEW_MS);
  if (file.size > BIG) input.files = only(await smaller(file));
  form.requestSubmit();
}

document.addEventListener("change", (event) => {
  if (event.target.id === "photo") send(event.target.form);
});
document.addEventListener("submit", (event) => {
  if (event.target === theForm()) say(theForm(), document.getElementById("progress").dataset.busy);
});
// Whatever went wrong, the browser's own way of sending a form shows it.
for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    if (event.detail.elt === theForm()) theForm().submit();
  });
}
// As after a new page: who listens to this one hears where they are.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.elt.id === "photo-form") document.getElementById("main").focus();
});
document.addEventListener("dragover", (event) => {
  const form = event.target.closest?.("#photo-form");
  if (!form) return;
  event.preventDefault();
  form.classList.add("over");
});
document.addEventListener("dragleave", (event) => theForm()?.classList.remove("over"));
document.addEventListener("drop", (event) => {
  const form = event.target.closest?.("#photo-form");
  if (!form) return;
  event.preventDefault();
  form.classList.remove("over");
  choose(form, event.dataTransfer.files);
});
document.addEventListener("paste", (event) => choose(theForm(), event.clipboardData.files));
window.addEventListener("pageshow", () => {
  if (theForm()) say(theForm(), "");
});
