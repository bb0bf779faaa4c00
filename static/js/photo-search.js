// Drop, paste, preview and make smaller. Without this file the form is a plain file upload.
const MAX_SIDE = 1024;
const BIG = 1.5e6;
const form = document.getElementById("photo-form");
const input = document.getElementById("photo");
const preview = document.getElementById("preview");
const progress = document.getElementById("progress");

function choose(files) {
  if (!files.length) return;
  const transfer = new DataTransfer();
  transfer.items.add(files[0]);
  input.files = transfer.files;
  send();
}

async function smaller(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return new File([blob], "photo.jpg", { type: "image/jpeg" });
  } catch {
    return file; // a format that the browser does not know: the server reads it
  }
}

async function send() {
  const file = input.files[0];
  if (!file) return;
  progress.textContent = progress.dataset.busy;
  preview.src = URL.createObjectURL(file);
  preview.hidden = false;
  preview.onerror = () => { preview.hidden = true; };
  if (file.size > BIG) {
    const transfer = new DataTransfer();
    transfer.items.add(await smaller(file));
    input.files = transfer.files;
  }
  form.submit();
}

input.addEventListener("change", send);
form.addEventListener("submit", () => { progress.textContent = progress.dataset.busy; });
form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
form.addEventListener("dragleave", () => form.classList.remove("over"));
form.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  choose(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => choose(event.clipboardData.files));
window.addEventListener("pageshow", () => { progress.textContent = ""; });
