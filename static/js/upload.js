// Asks how far an upload is, and shows the whole page again when its state has changed.
const box = document.getElementById("upload");

async function look() {
  try {
    const answer = await fetch(box.dataset.stateUrl, { headers: { Accept: "application/json" } });
    const now = await answer.json();
    if (now.state !== box.dataset.state) {
      location.reload();
      return;
    }
    box.querySelector("progress").value = now.percent;
    for (const place of box.querySelectorAll("[data-count]")) {
      place.textContent = now[place.dataset.count];
    }
  } catch {
    // The network is away for a moment: ask again.
  }
  setTimeout(look, 700);
}

look();
