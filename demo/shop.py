"""Fill the demo's database and run the processes of the shop until they are stopped."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from threading import Event, Thread

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections
from honcho.manager import Manager

from demo.catalogue.folder import write_demo_catalogue
from demo.environment import write_private
from demo.processes import shell_commands
from demo.progress import Progress, follow_embedding, wait_until_it_answers
from shop.catalogue.models import Product
from shop.core.tasks import send
from shop.pages.models import Page

STAFF = "staff"
# The slugs of the pages, in the order of the links in the footer.
PAGES = ("help", "delivery", "returns", "contact", "terms")


class ProcessEndedError(RuntimeError):
    """Reports that a process of the shop has ended unexpectedly."""


def prepare(folder: Path) -> str:
    """Migrate, collect static files and load the catalogue; return the staff password."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    password = _staff_password(folder / "staff-password")
    _load_catalogue(folder / "demo-catalogue")
    load_pages()
    return password


def run(folder: Path, url: str, port: int, password: str) -> None:
    """Run the processes until Ctrl-C. Raises ``ProcessEndedError`` if one of them ends earlier."""
    log = folder / "log"
    log.mkdir(exist_ok=True)
    manager, stopped = Manager(), Event()
    for name, command in shell_commands(port, log).items():
        manager.add_process(name, command, quiet=True, env={**os.environ})
    connections.close_all()  # the processes are forked and must not share connections
    announcer = Thread(target=_announce, args=(url, password, stopped), daemon=True)
    announcer.start()
    try:
        manager.loop()
    finally:
        stopped.set()
        announcer.join(5)
    if manager.returncode not in (0, 130, -2, -15, None):
        raise ProcessEndedError(f"A process ended by itself; its log is in {log}.")


def _announce(url: str, password: str, stopped: Event) -> None:
    if not wait_until_it_answers(url, stopped):
        return
    print(
        f"\n  The shop       {url}\n"
        f"  Staff          {url}admin/\n"
        f"  Staff login    {STAFF}  {password}\n\n"
        "  Ctrl-C stops everything.\n",
        flush=True,
    )
    send("recommender.tasks.embed_pending_images")
    follow_embedding(stopped, Progress())
    connections.close_all()


def _load_catalogue(folder: Path) -> None:
    """Load the drawn catalogue into an empty shop.

    The folder is removed after a complete import, so an interrupted load is redone.
    """
    if Product.objects.exists() and not folder.exists():
        return
    print("  Drawing the catalogue …", flush=True)
    write_demo_catalogue(folder)
    call_command("import_catalogue", str(folder))
    shutil.rmtree(folder)


def load_pages() -> None:
    """Publish the sample texts of ``demo/pages``, unless the shop already has pages.

    The first line of each text is the title of its page.
    """
    if Page.objects.exists():
        return
    folder = Path(__file__).parent / "pages"
    for position, slug in enumerate(PAGES):
        for file in sorted(folder.glob(f"*/{slug}.md")):
            title, text = file.read_text().split("\n", 1)
            Page.objects.create(
                slug=slug,
                language=file.parent.name,
                title=title.removeprefix("# "),
                text=text.strip(),
                published=True,
                position=position,
            )


def _staff_password(file: Path) -> str:
    """Return the staff account's password; set a new one if the account or the file is missing."""
    user_model = get_user_model()
    if file.exists() and user_model.objects.filter(username=STAFF).exists():
        return file.read_text()
    password = secrets.token_urlsafe(9)
    write_private(file, password)
    user, _created = user_model.objects.get_or_create(
        username=STAFF, defaults={"is_staff": True, "is_superuser": True}
    )
    user.set_password(password)
    user.save()
    return password
