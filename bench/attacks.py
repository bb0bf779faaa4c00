"""Measure the response time of a product page during denial-of-service attacks.

    python bench/attacks.py [--seconds 15] [--bomb FILE]
        [--rival CHECKOUT --rival-folder VAR_DIR]

Starts gunicorn as in production, and nginx (apt: nginx) with deploy/nginx.conf, on loopback, with
the database of the environment or of VAR_DIR. Runs these attacks one after the other:

- ``quiet``: no attack, for comparison.
- ``idle``: 300 connections that send nothing.
- ``headers``: 200 requests that send a byte of their headers per second and never finish them.
- ``bodies``: 40 photo uploads that send a byte per second.
- ``photos``: 20 clients that upload an ordinary photo, wait for the answer and start again.
- ``bombs``: four clients that upload ``--bomb``, a JPEG with thousands of scans, in the same way.

The attackers use ten loopback addresses. During each attack one client requests a product page
again and again: ``p50_ms`` and ``p99_ms`` are its response times, and ``failed`` counts requests
that got no page. ``proxy`` is the shop behind nginx, ``direct`` is gunicorn alone. The rival is
another checkout of the shop (``--rival``) on the database of ``--rival-folder``; it is attacked
without a proxy. Prints one JSON object and writes it to bench/results/attacks.json.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
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

from bench.arguments import argument_parser  # noqa: E402
from bench.environment import environment  # noqa: E402
from demo.servers import EmbeddedServers  # noqa: E402

RESULT = ROOT / "bench" / "results" / "attacks.json"
ATTACKERS = [f"127.0.0.{number}" for number in range(2, 12)]
TIMEOUT_SECONDS = 10
START_SECONDS = 120
WARM_UP = 50
BOUNDARY = "attack"
# All TLS connections share one context, so that connecting costs the attackers less CPU time.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
PRODUCT = re.compile(r'href="(/products/[^"/?]+/)"')


@dataclass(frozen=True)
class Site:
    """Holds the port of a running shop, and whether the port expects TLS (nginx's does)."""

    port: int
    tls: bool

    def connect(self, source: str = "127.0.0.1") -> socket.socket:
        plain = socket.create_connection(
            ("127.0.0.1", self.port), TIMEOUT_SECONDS, source_address=(source, 0)
        )
        if not self.tls:
            return plain
        return TLS.wrap_socket(plain, server_hostname="localhost")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def gunicorn(
    checkout: Path, *, https: bool, variables: dict[str, str] | None = None
) -> Iterator[Site]:
    """Serve the code in ``checkout`` by gunicorn as in production, with added ``variables``."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "gunicorn", "config.wsgi"]
    command += ["-c", "python:config.gunicorn", "--bind", f"127.0.0.1:{port}"]
    values = os.environ | (variables or {}) | {"PHOTO_SEARCHES_PER_HOUR": "1000000"}
    values |= {"HTTPS": "1", "PROXIES": "1"} if https else {"HTTPS": "0"}
    process = subprocess.Popen(command, cwd=checkout, env=values, stderr=subprocess.DEVNULL)
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
    """Run nginx in front of gunicorn with deploy/nginx.conf, but other ports and folders."""
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
        ("/etc/nginx/pages", str(folder / "pages")),
        ("http {", f"http {{ client_body_temp_path {folder}/body; proxy_temp_path {folder}/p;"),
    ):
        if old not in text:
            raise SystemExit(f"deploy/nginx.conf has no {old!r} any more.")
        text = text.replace(old, new)
    shutil.copytree(ROOT / "deploy" / "pages", folder / "pages")
    folder.chmod(0o711)  # nginx's worker processes are not root and must reach its files
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
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


# Each attacker's thread calls its attack again and again, with the site, the attacker's own IP
# address and an event that ends the attack.
Attack = Callable[[Site, str, threading.Event], None]


def idle(site: Site, source: str, stop: threading.Event) -> None:
    """Connect, send nothing and keep the connection open for up to 20 seconds."""
    with site.connect(source):
        stop.wait(20)


def trickle(start: bytes) -> Attack:
    """Return an attack that sends ``start`` and then one byte per second."""

    def attack(site: Site, source: str, stop: threading.Event) -> None:
        with site.connect(source) as connection:
            connection.sendall(start)
            while not stop.wait(1):
                connection.sendall(b"a")

    return attack


def upload(content: bytes, token: str) -> Attack:
    """Return an attack that uploads a photo and waits for the answer."""
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
    """Return an ordinary JPEG of 900 x 1,200 pixels."""
    noise = np.random.default_rng(1).integers(0, 255, (60, 45, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(noise).resize((900, 1200)).save(file, "JPEG", quality=90)
    return file.getvalue()


def get(site: Site, path: str) -> str | None:
    """Return the text of a page, or ``None`` if the request failed."""
    with contextlib.suppress(OSError, http.client.HTTPException), site.connect() as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        text = answer.read().decode()
        return text if answer.status == 200 else None
    return None


def first_product(site: Site) -> str:
    """Return the path of the first product in the list of all products.

    Waits for the list, because gunicorn listens before its workers have loaded the shop.
    """
    deadline = time.monotonic() + START_SECONDS
    while (text := get(site, "/products/")) is None:
        if time.monotonic() > deadline:
            raise SystemExit(f"The shop did not answer within {START_SECONDS} seconds.")
        time.sleep(0.2)
    found = PRODUCT.search(text)
    if not found:
        raise SystemExit("The shop lists no products.")
    return found[1]


def measure_page(
    site: Site, path: str, attack: Attack | None, count: int, seconds: int
) -> dict[str, Any]:
    """Time requests of the page for some seconds, while ``count`` attackers run the attack."""
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
        started = time.perf_counter()
        if get(site, path) is None:
            failed += 1
        else:
            times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join(TIMEOUT_SECONDS)
    p50, p99 = (round(float(np.percentile(times, p)), 1) if times else None for p in (50, 99))
    return {"pages": len(times), "failed": failed, "p50_ms": p50, "p99_ms": p99}


def attacks(bomb: bytes) -> dict[str, tuple[Attack | None, int]]:
    """Return the attacks by name, each with its number of attackers."""
    token = "a" * 32
    found: dict[str, tuple[Attack | None, int]] = {
        "quiet": (None, 0),
        "idle": (idle, 300),
        "headers": (trickle(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "), 200),
        "bodies": (trickle(_upload_head(500_000, token) + _form(b"")[:100]), 40),
        "photos": (upload(photo(), token), 20),
    }
    return found | ({"bombs": (upload(bomb, token), 4)} if bomb else {})


def measure(site: Site, bomb: bytes, seconds: int) -> dict[str, Any]:
    """Return the response times of a product page during each attack."""
    path, report = first_product(site), {}
    for _request in range(WARM_UP):
        get(site, path)
    for name, (attack, count) in attacks(bomb).items():
        report[name] = measure_page(site, path, attack, count, seconds)
        print(name, report[name], file=sys.stderr)
        time.sleep(3)
    return report


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rival", type=Path)
    parser.add_argument("--rival-folder", type=Path)
    parser.add_argument("--bomb", type=Path)
    options = parser.parse_args()
    bomb = options.bomb.read_bytes() if options.bomb else b""
    report: dict[str, Any] = {"environment": environment()}
    with gunicorn(ROOT, https=True) as shop, nginx(shop) as site:
        report["proxy"] = measure(site, bomb, options.seconds)
    with gunicorn(ROOT, https=False) as shop:
        report["direct"] = measure(shop, bomb, options.seconds)
    if options.rival:
        servers = EmbeddedServers(options.rival_folder or options.rival / "var")
        with (
            servers.running(),
            gunicorn(options.rival, https=False, variables=servers.environment) as shop,
        ):
            report["rival"] = measure(shop, bomb, options.seconds)
    RESULT.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
