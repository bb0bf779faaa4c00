"""A mail server that replies as a test tells it to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Reply codes by address: to RCPT TO, or after the message was sent.
Refusals = dict[str, int]


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.refused_names: Refusals = {}
        self.refused_texts: Refusals = {}
        self.received: list[tuple[str, str]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        to = ""
        self._say(220)
        while line := self.rfile.readline().decode():
            word = line[:4].upper()
            if word == "RCPT":
                to = line.split("<")[1].split(">")[0]
                self._say(self.server.refused_names.get(to, 250))
            elif word == "DATA":
                self._say(354)
                text = self._text()
                code = self.server.refused_texts.get(to, 250)
                if code == 250:
                    self.server.received.append((to, text))
                self._say(code)
            else:
                self._say(221 if word == "QUIT" else 250)

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode()) != ".\r\n":
            lines.append(line)
        return "".join(lines)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} as told\r\n".encode())


@contextmanager
def running() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
