// Accessible names for the staff's fields that Unfold shows without a label of their own.
"use strict";

(() => {
  const FIELDS = "input:not([type=hidden]), select, textarea";

  const named = (field) =>
    field.labels?.length || field.hasAttribute("aria-label") ||
    field.hasAttribute("aria-labelledby");

  const ofColumn = (cell) => {
    const table = cell.closest("table");
    const heading = table?.querySelectorAll("thead th")[cell.cellIndex];
    return cell.dataset.label || heading?.innerText.trim() ||
      cell.closest("fieldset")?.querySelector("legend")?.innerText;
  };

  const name = (field) => {
    if (named(field)) return;
    const cell = field.closest("td");
    const row = field.closest(".field-line, .form-row, [class*=field-]");
    const label = (cell && ofColumn(cell)) || row?.querySelector("label")?.innerText.trim();
    const text = [label?.trim(), field.placeholder].filter(Boolean).join(", ");
    if (text) field.setAttribute("aria-label", text);
  };

  const nameChoice = (box) => {
    const select = box.closest(".select2")?.previousElementSibling;
    const label = select?.labels?.[0]?.innerText.trim() || select?.getAttribute("aria-label");
    if (!label) return;
    for (const part of [box, box.querySelector(".select2-selection__rendered")]) {
      part?.removeAttribute("aria-labelledby");
      part?.setAttribute("aria-label", label);
    }
  };

  const nameAll = () => {
    document.querySelectorAll(FIELDS).forEach(name);
    document.querySelectorAll(".select2-selection").forEach(nameChoice);
    document.querySelectorAll("span.help-tooltip[aria-label]:not([role])").forEach((tip) =>
      tip.setAttribute("role", "img")
    );
  };

  document.addEventListener("DOMContentLoaded", () => {
    nameAll();
    new MutationObserver(nameAll).observe(document.body, { childList: true, subtree: true });
  });
})();
