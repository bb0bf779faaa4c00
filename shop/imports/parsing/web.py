"""Fetch pictures from hosts on the web that the import may ask."""

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

# Seconds for one answer of the host, and for all of a picture.
PATIENCE, MAX_SECONDS = 10, 60
CHUNK = 64 * 1024
# Characters of a path and a query that are not quoted (again).
SAFE = "/?%:@!$&'()*+,;=~-._"


class _Connection(http.client.HTTPSConnection):
    """Connect to an address that was checked, so that the name cannot mean another meanwhile."""

    def __init__(self, host: str, address: str) -> None:
        self._tls, self._address = ssl.create_default_context(), address
        super().__init__(host, timeout=PATIENCE, context=self._tls)

    def connect(self) -> None:
        plain = socket.create_connection((self._address, 443), PATIENCE)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)


def may_fetch(address: str, hosts: frozenset[str]) -> bool:
    """Return whether the address is of one of the hosts, and encrypted."""
    try:
        parts = urlsplit(address)
        return parts.scheme.lower() == "https" and parts.hostname in hosts and _is_plain(parts)
    except ValueError:  # no port, or no brackets around an IPv6 address
        return False


def _is_plain(parts: SplitResult) -> bool:
    return parts.port in (None, 443) and parts.username is None


def fetch(address: str) -> bytes:
    """Return the file, at most one byte more than a picture may have. Raises ``RowError``."""
    host = urlsplit(address).hostname or ""
    try:
        connection = _Connection(host, _public_address(host))
        try:
            return body(connection, address)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        text = _("%(name)s cannot be fetched: %(error)s")
        raise RowError(text % {"name": address, "error": error}) from error


def _public_address(host: str) -> str:
    """Return an address of the host. Raises ``OSError`` if any is not of the public internet."""
    found = [str(each[4][0]) for each in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)]
    for text in found:
        address = ip_address(text.partition("%")[0])
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        if not address.is_global or address.is_multicast:
            raise OSError(_("the address of the host is not public"))
    return found[0]


def body(connection: http.client.HTTPConnection, address: str) -> bytes:
    """Return the file, or as much as shows that it is too large. Raises ``OSError``."""
    parts = urlsplit(address)
    deadline = time.monotonic() + MAX_SECONDS
    wanted = quote(parts._replace(scheme="", netloc="", fragment="").geturl() or "/", safe=SAFE)
    connection.request("GET", wanted, headers={"Accept": "image/*"})
    answer = connection.getresponse()
    if answer.status != http.HTTPStatus.OK:  # nor does it follow to another host
        raise OSError(_("the host answers %(status)s") % {"status": answer.status})
    data = bytearray()
    while len(data) <= settings.PICTURE_MAX_BYTES and (chunk := answer.read1(CHUNK)):
        data += chunk
        if time.monotonic() > deadline:
            raise TimeoutError(_("it takes too long"))
    return bytes(data)
