"""Pictures are fetched from allowed hosts only, and within limits."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from shop.imports.errors import RowError
from shop.imports.parsing import web


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("https://cdn.example.com/a.jpg", True),
        ("https://CDN.example.com:443/a.jpg", True),
        ("http://cdn.example.com/a.jpg", False),
        ("https://cdn.example.com:8443/a.jpg", False),
        ("https://cdn.example.com:x/a.jpg", False),
        ("https://me@cdn.example.com/a.jpg", False),
        ("https://cdn.example.com.evil.example/a.jpg", False),
        ("https://[cdn.example.com/a.jpg", False),
    ],
)
def test_only_allowed_hosts_are_called_and_only_over_https(address: str, allowed: bool) -> None:
    assert web.may_fetch(address, frozenset({"cdn.example.com"})) is allowed


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "[::1]", "localhost"])
def test_nothing_is_fetched_from_a_private_address(host: str) -> None:
    with pytest.raises(
        RowError, match="cannot be downloaded: the address of the host is not public"
    ):
        web.fetch(f"https://{host}/a.jpg")


@pytest.fixture
def host() -> Iterator[http.client.HTTPConnection]:
    """Connect to a server that redirects /moved and has 3,000 bytes elsewhere."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            moved = self.path == "/moved"
            self.send_response(302 if moved else 200)
            self.send_header("Location", "http://127.0.0.1/")
            self.end_headers()
            self.wfile.write(self.path.encode().ljust(3000))

        def log_message(self, *_arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        yield connection
        connection.close()
        server.shutdown()
        thread.join()


def test_a_download_stops_at_the_size_limit(
    host: http.client.HTTPConnection, settings: Any
) -> None:
    body = web.download(host, "https://shop.example.com/größe 1.jpg?v=2")
    assert body == b"/gr%C3%B6%C3%9Fe%201.jpg?v=2".ljust(3000)
    settings.PICTURE_MAX_BYTES = 1000
    assert 1000 < len(web.download(host, "https://shop.example.com/")) <= 3000


def test_a_redirect_is_not_followed(host: http.client.HTTPConnection) -> None:
    with pytest.raises(OSError, match="the server answers 302"):
        web.download(host, "https://shop.example.com/moved")


def test_a_slow_download_is_refused(
    host: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web, "MAX_SECONDS", -1)
    with pytest.raises(TimeoutError, match="the download takes too long"):
        web.download(host, "https://shop.example.com/a.jpg")
