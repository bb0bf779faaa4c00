"""Fetch pictures on the web from the hosts that the command allows."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from shop.imports.errors import RowError

# Time limits for one response of the host, and for the complete picture.
TIMEOUT_SECONDS, MAX_SECONDS = 10, 60
CHUNK = 64 * 1024
# Characters in a path or query that stay unencoded. % is one of them, because a URL may already be
# percent-encoded.
SAFE = "/?%:@!$&'()*+,;=~-._"


class _Connection(http.client.HTTPSConnection):
    """Connects to an IP address that was checked.

    If the host name were resolved again, it could lead to another address.
    """

    def __init__(self, host: str, address: str) -> None:
        self._tls, self._address = ssl.create_default_context(), address
        super().__init__(host, timeout=TIMEOUT_SECONDS, context=self._tls)

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), TIMEOUT_SECONDS)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def may_fetch(address: str, hosts: frozenset[str]) -> bool:
    """Return whether the URL uses HTTPS and has one of the hosts."""
    try:
        parts = urlsplit(address)
        return parts.scheme.lower() == "https" and parts.hostname in hosts and _is_plain(parts)
    except ValueError:  # an invalid port or IPv6 address
        return False


def _is_plain(parts: SplitResult) -> bool:
    return parts.port in (None, 443) and parts.username is None


def fetch(address: str) -> bytes:
    """Download a picture, stopping once it exceeds the size limit. Raises ``RowError``."""
    host = urlsplit(address).hostname or ""
    try:
        connection = _Connection(host, _public_address(host))
        try:
            return download(connection, address)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        text = _("%(name)s cannot be downloaded: %(error)s")
        raise RowError(text % {"name": address, "error": error}) from error


def _public_address(host: str) -> str:
    """Resolve the host. Raises ``OSError`` if any of its addresses is not public."""
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]
    for text in found:
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        if not address.is_global or address.is_multicast:
            raise OSError(_("the address of the host is not public"))
    return found[0]


def download(connection: http.client.HTTPConnection, address: str) -> bytes:
    """Return the file, or only its beginning if it is too large. Raises ``OSError``."""
    parts = urlsplit(address)
    deadline = time.monotonic() + MAX_SECONDS
    target = quote(parts._replace(scheme="", netloc="", fragment="").geturl() or "/", safe=SAFE)
    connection.request("GET", target, headers={"Accept": "image/*"})
    answer = connection.getresponse()
    if (
        answer.status != http.HTTPStatus.OK
    ):  # this refuses redirects, too, because they may lead to another host
        raise OSError(_("the server answers %(status)s") % {"status": answer.status})
    data = bytearray()
    while len(data) <= settings.PICTURE_MAX_BYTES and (chunk := answer.read1(CHUNK)):
        data += chunk
        if time.monotonic() > deadline:
            raise TimeoutError(_("the download takes too long"))
    return bytes(data)
