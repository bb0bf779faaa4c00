// Suggestions below the search box: a combobox whose options are links. Without this file the box
// is a plain form.
(() => {
  const input = document.getElementById("q");
  const box = document.getElementById("suggestions");
  const status = document.getElementById("suggestions-status");
  let timer = 0, request = null, at = -1;
  const options = () => [...box.querySelectorAll("[role=option]")];
  for (
    const [name, value] of Object.entries({
      role: "combobox",
      autocomplete: "off",
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
      "aria-controls": "suggestions",
    })
  ) input.setAttribute(name, value);

  const select = (index) => {
    at = index;
    options().forEach((option, number) => {
      option.setAttribute("aria-selected", String(number === at));
      if (number === at) option.scrollIntoView({ block: "nearest" });
    });
    const id = options()[at]?.id;
    if (id) input.setAttribute("aria-activedescendant", id);
    else input.removeAttribute("aria-activedescendant");
  };
  const close = () => {
    clearTimeout(timer);
    request?.abort();
    box.hidden = true;
    box.replaceChildren();
    status.textContent = "";
    input.setAttribute("aria-expanded", "false");
    select(-1);
  };
  const load = async () => {
    request?.abort();
    const mine = request = new AbortController();
    try {
      const address = `${input.dataset.suggestions}?q=${encodeURIComponent(input.value)}`;
      const answer = await fetch(address, { signal: mine.signal });
      const text = answer.ok ? await answer.text() : "";
      // What came for an earlier text, or after the box was left, is not shown.
      if (mine !== request || document.activeElement !== input) return;
      box.innerHTML = text;
      const list = box.firstElementChild;
      if (!list) return close();
      box.hidden = false;
      input.setAttribute("aria-expanded", "true");
      status.textContent = list.dataset.status;
      select(-1);
    } catch {
      // Offline or aborted: the form still works.
    }
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    if (input.value.trim().length < 2) return close();
    timer = setTimeout(load, 150);
  });
  input.addEventListener("keydown", (event) => {
    const count = options().length;
    if (event.key === "Escape" && !box.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" && count) {
      event.preventDefault();
      select(at + 1 < count ? at + 1 : -1);
    } else if (event.key === "ArrowUp" && count) {
      event.preventDefault();
      select(at < 0 ? count - 1 : at - 1);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      options()[at].click();
    }
  });
  // A press on an option must not take the focus, and with it the list, away before the click.
  box.addEventListener("mousedown", (event) => event.preventDefault());
  input.addEventListener("blur", close);
})();
