// Draw, tap, move and size a frame on the picture; the four number fields follow and are sent.
const stage = document.getElementById("crop-stage");
const form = document.getElementById("crop-form");
const SIDES = ["left", "top", "right", "bottom"];
const MIN = 5;
const TAPPED = 50; // percent of a side around a tap
const STEP = 2;

const frame = document.createElement("div");
frame.className = "crop-frame";
frame.tabIndex = 0;
frame.setAttribute("role", "group");
frame.setAttribute("aria-label", stage.dataset.label);
stage.append(frame);
stage.classList.add("drawable");

const fields = SIDES.map((name) => form.elements[name]);
let cropBox = fields.map((field) => Number(field.value));

const clamp = (value, low = 0, high = 100) => Math.min(high, Math.max(low, value));

function show() {
  const [left, top, right, bottom] = cropBox;
  frame.style.left = `${left}%`;
  frame.style.top = `${top}%`;
  frame.style.width = `${right - left}%`;
  frame.style.height = `${bottom - top}%`;
}

function choose(left, top, right, bottom) {
  cropBox = [left, top, right, bottom].map((value) => Math.round(clamp(value)));
  cropBox.forEach((value, index) => {
    fields[index].value = value;
  });
  show();
}

function place(event) {
  const box = stage.getBoundingClientRect();
  return [
    clamp(((event.clientX - box.left) / box.width) * 100),
    clamp(((event.clientY - box.top) / box.height) * 100),
  ];
}

let start = null;
stage.addEventListener("pointerdown", (event) => {
  if (event.button) return;
  event.preventDefault();
  start = place(event);
  stage.setPointerCapture(event.pointerId);
});
stage.addEventListener("pointermove", (event) => {
  if (!start) return;
  const [x, y] = place(event);
  choose(
    Math.min(start[0], x),
    Math.min(start[1], y),
    Math.max(start[0], x),
    Math.max(start[1], y),
  );
});
stage.addEventListener("pointerup", (event) => {
  if (!start) return;
  const [x, y] = place(event);
  const tapped = Math.abs(x - start[0]) < MIN || Math.abs(y - start[1]) < MIN;
  if (tapped) {
    const left = clamp(x - TAPPED / 2, 0, 100 - TAPPED);
    const top = clamp(y - TAPPED / 2, 0, 100 - TAPPED);
    choose(left, top, left + TAPPED, top + TAPPED);
  }
  start = null;
  frame.focus({ preventScroll: true });
});
stage.addEventListener("pointercancel", () => {
  start = null;
});

const MOVES = {
  ArrowLeft: [-STEP, 0],
  ArrowRight: [STEP, 0],
  ArrowUp: [0, -STEP],
  ArrowDown: [0, STEP],
};
frame.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    form.requestSubmit();
    return;
  }
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  const [left, top, right, bottom] = cropBox;
  if (event.shiftKey) {
    choose(left, top, clamp(right + move[0], left + MIN), clamp(bottom + move[1], top + MIN));
  } else {
    const x = clamp(move[0], -left, 100 - right);
    const y = clamp(move[1], -top, 100 - bottom);
    choose(left + x, top + y, right + x, bottom + y);
  }
});
fields.forEach((field) =>
  field.addEventListener("input", () => {
    cropBox = fields.map((one) => clamp(Number(one.value)));
    show();
  })
);
show();
