"""How long a product page takes while somebody attacks the shop, behind its proxy and without it.

    python bench/attacks.py [--seconds 15] [--rival CHECKOUT] [--bomb FILE]

Starts gunicorn as in production and nginx with deploy/nginx.conf (apt: nginx) on loopback, on the
database that VAR_DIR or the environment names; then, one after the other:

- ``quiet``: nobody attacks.
- ``idle``: 300 connections that send nothing.
- ``headers``: 200 requests whose headers never end, a byte a second.
- ``bodies``: 40 uploads of a photo that trickle in, a byte a second.
- ``photos``: 20 uploads of an ordinary photo, each waiting for its answer.
- ``bombs``: four uploads of ``--bomb``, a JPEG with thousands of scans, again and again.

Attackers have ten addresses of their own. Meanwhile one shopper asks for a product page again and
again; ``p99_ms`` and ``failed`` (no page within ten seconds) are hers. ``direct`` is gunicorn
without the proxy; ``--rival``, another checkout on the same machine and a database of its own
(RIVAL_VAR_DIR), is attacked without it too. Prints one JSON object and writes it to
bench/results/attacks.json.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from django.conf import settings  # noqa: E402

from bench.environment import environment  # noqa: E402
from shop.catalogue.models import Product  # noqa: E402

RESULT = ROOT / "bench" / "results" / "attacks.json"
ATTACKERS = [f"127.0.0.{number}" for number in range(2, 12)]
PATIENCE_SECONDS = 10
BOUNDARY = "attack"


@dataclass(frozen=True)
class Site:
    """Where a shop is reached; ``tls`` behind its proxy."""

    port: int
    tls: bool

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        plain = socket.create_connection(
            ("127.0.0.1", self.port), PATIENCE_SECONDS, source_address=(source, 0)
        )
        if not self.tls:
            return plain
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(plain, server_hostname="localhost")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def gunicorn(checkout: Path, folder: str, *, https: bool) -> Iterator[Site]:
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "config.wsgi"]
    command += ["-c", "python:config.gunicorn", "--bind", f"127.0.0.1:{port}"]
    variables = {**os.environ, "VAR_DIR": folder, "PHOTO_SEARCHES_PER_HOUR": "1000000"}
    variables |= {"HTTPS": "1", "PROXIES": "1"} if https else {"HTTPS": "0"}
    process = subprocess.Popen(command, cwd=checkout, env=variables, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Site(port, tls=False)
    finally:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def nginx(shop: Site) -> Iterator[Site]:
    """Run the configuration that docker-compose.yml mounts, with other ports and a certificate."""
    folder, port = Path(tempfile.mkdtemp(prefix="nginx-")), free_port()
    certificate = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    files = "-keyout privkey.pem -out fullchain.pem"
    command = ["/usr/bin/openssl", *certificate.split(), *files.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in (
        ("web:8000", f"127.0.0.1:{shop.port}"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/nginx/certificates", str(folder)),
        ("http {", f"http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;"),
    ):
        if old not in text:
            raise SystemExit(f"deploy/nginx.conf has no {old!r} any more.")
        text = text.replace(old, new)
    folder.chmod(0o711)  # the worker processes are not root
    (folder / "nginx.conf").write_text(f"daemon off; pid {folder}/pid;\n{text}")
    process = subprocess.Popen(
        ["/usr/sbin/nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    )
    try:
        _wait_for(port)
        yield Site(port, tls=True)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


# Attacks: each is called in a thread of its own with the number of the attacker, and returns when
# the event is set or it was sent away; then it is called again.
Attack = Callable[[Site, str, threading.Event], None]


def idle(site: Site, source: str, stop: threading.Event) -> None:
    with site.connect(source):
        stop.wait(20)


def trickle(start: bytes) -> Attack:
    def attack(site: Site, source: str, stop: threading.Event) -> None:
        with site.connect(source) as connection:
            connection.sendall(start)
            while not stop.wait(1):
                connection.sendall(b"a")

    return attack


def upload(content: bytes, token: str) -> Attack:
    body = _form(content)
    head = _upload_head(len(body), token)

    def attack(site: Site, source: str, stop: threading.Event) -> None:
        with site.connect(source) as connection:
            connection.settimeout(60)
            connection.sendall(head + body)
            while connection.recv(65536):
                pass

    return attack


def _form(content: bytes) -> bytes:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
    return part.encode() + b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n--attack--\r\n"


def _upload_head(length: int, token: str) -> bytes:
    return (
        "POST /photo-search/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Cookie: csrftoken={token}\r\nX-CSRFToken: {token}\r\nReferer: https://localhost/\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def photo() -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (60, 45, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(noise).resize((900, 1200)).save(file, "JPEG", quality=90)
    return file.getvalue()


def product_page(site: Site, path: str) -> float | None:
    """Return the milliseconds of one page, or ``None`` if it did not come."""
    started = time.perf_counter()
    with contextlib.suppress(OSError, http.client.HTTPException):
        with site.connect() as connection:
            connection.sendall(
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
            )
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
        if answer.status == 200:
            return (time.perf_counter() - started) * 1000
    return None


def under(site: Site, path: str, attack: Attack | None, count: int, seconds: int) -> dict[str, Any]:
    """Ask for the page for so long while ``count`` attackers are at it."""
    stop = threading.Event()

    def attacker(number: int) -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                attack(site, ATTACKERS[number % len(ATTACKERS)], stop)  # type: ignore[misc]
            stop.wait(0.1)

    threads = [threading.Thread(target=attacker, args=(n,), daemon=True) for n in range(count)]
    for thread in threads:
        thread.start()
    time.sleep(2 if threads else 0)
    times: list[float] = []
    failed, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        if (took := product_page(site, path)) is None:
            failed += 1
        else:
            times.append(took)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    p50, p99 = (round(float(np.percentile(times, p)), 1) if times else None for p in (50, 99))
    return {"pages": len(times), "failed": failed, "p50_ms": p50, "p99_ms": p99}


def attacks(bomb: bytes) -> dict[str, tuple[Attack | None, int]]:
    token = "a" * 32
    found: dict[str, tuple[Attack | None, int]] = {
        "quiet": (None, 0),
        "idle": (idle, 300),
        "headers": (trickle(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "), 200),
        "bodies": (trickle(_upload_head(500_000, token) + _form(b"")[:100]), 40),
        "photos": (upload(photo(), token), 20),
    }
    return found | ({"bombs": (upload(bomb, token), 4)} if bomb else {})


def measure(site: Site, path: str, bomb: bytes, seconds: int) -> dict[str, Any]:
    report = {}
    for name, (attack, count) in attacks(bomb).items():
        report[name] = under(site, path, attack, count, seconds)
        print(name, report[name], file=sys.stderr)
        time.sleep(3)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--bomb", type=Path)
    given = parser.parse_args()
    bomb = given.bomb.read_bytes() if given.bomb else b""
    product = Product.objects.listed().in_stock().order_by("pk").first()
    if product is None:
        raise SystemExit("The catalogue is empty.")
    path, folder = product.get_absolute_url(), str(settings.VAR_DIR)
    report: dict[str, Any] = {"environment": environment()}
    with gunicorn(ROOT, folder, https=True) as shop, nginx(shop) as site:
        report["proxy"] = measure(site, path, bomb, given.seconds)
    with gunicorn(ROOT, folder, https=False) as shop:
        report["direct"] = measure(shop, path, bomb, given.seconds)
    if given.rival:
        rival = os.environ["RIVAL_VAR_DIR"]
        with gunicorn(given.rival, rival, https=False) as shop:
            report["rival"] = measure(shop, os.environ["RIVAL_PATH"], bomb, given.seconds)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
