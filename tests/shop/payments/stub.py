"""A local stub of Stripe's API that follows its documentation."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

KEY = "sk_test_1"
Answer = tuple[int, dict[str, Any]]


def error(status: int, kind: str, message: str, code: str = "") -> Answer:
    return status, {"error": {"type": kind, "message": message, "code": code or None}}


def invalid(message: str, code: str = "") -> Answer:
    return error(400, "invalid_request_error", message, code)


class Stripe:
    """Runs the stub. ``fails`` is the status of every response, ``loses`` how many are lost;
    ``meanwhile`` is called while a session expires."""

    def __init__(self) -> None:
        self.empty()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def empty(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[object, Answer]] = {}
        self.fails = self.loses = 0
        self.meanwhile: Callable[[], object] = lambda: None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def pay(self, session_id: str) -> dict[str, Any]:
        """Pay on the hosted page, as the buyer."""
        session = self.sessions[session_id]
        assert session["status"] == "open", "Stripe takes no money for an expired session"
        intent = session_id.replace("cs_test", "pi")
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent}
        return session

    def answer(self, method: str, path: str, values: dict[str, str], key: str) -> Answer:
        """Return the first response to an idempotency key, even a failure, for the same request."""
        known = self.by_key.get(key) if method == "POST" else None
        if known and known[0] != (path, values):
            return error(400, "idempotency_error", "This key was used for another call.")
        if known:
            return known[1]
        answer = self._new(method, path.strip("/").split("/"), values)
        if method == "POST":
            assert key, "the library sends a key with each write"
            self.by_key[key] = ((path, values), answer)
        return answer

    def _new(self, method: str, parts: list[str], values: dict[str, str]) -> Answer:
        if self.fails:
            return error(self.fails, "api_error", "Something went wrong on Stripe's end.")
        if parts == ["v1", "checkout", "sessions"] and method == "POST":
            return self._session(values)
        if parts[:3] == ["v1", "checkout", "sessions"] and parts[3] in self.sessions:
            return self._known(parts)
        if parts == ["v1", "refunds"] and method == "POST":
            return self._refund(values)
        return error(404, "invalid_request_error", f"No such thing: {parts}", "resource_missing")

    def _session(self, values: dict[str, str]) -> Answer:
        amount = int(values["line_items[0][price_data][unit_amount]"])
        expires = int(values["expires_at"])
        if amount < 50:
            return invalid("The total must add up to at least €0.50 eur.", "amount_too_small")
        if not 1800 <= expires - time.time() <= 86_400:
            return invalid("`expires_at` must be between 30 minutes and 24 hours from now.")
        number = f"cs_test_{len(self.sessions) + 1}"
        currency = values["line_items[0][price_data][currency]"]
        self.sessions[number] = session(number, amount, currency, expires, values)
        return 200, self.sessions[number]

    def _known(self, parts: list[str]) -> Answer:
        found = self.sessions[parts[3]]
        if parts[4:] == ["expire"]:
            if found["status"] != "open":
                return invalid("Only Checkout Sessions with a status of `open` can be expired.")
            self.meanwhile()
            found["status"] = "expired"
        return 200, found

    def _refund(self, values: dict[str, str]) -> Answer:
        intent = values["payment_intent"]
        if any(refund["payment_intent"] == intent for refund in self.refunds.values()):
            return invalid("Charge ch_1 has already been refunded.", "charge_already_refunded")
        number = f"re_{len(self.refunds) + 1}"
        self.refunds[number] = {
            "id": number,
            "object": "refund",
            "payment_intent": intent,
            "status": "succeeded",
        }
        return 200, self.refunds[number]

    def _handler(stub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = parse_qs(self.rfile.read(size).decode())
                self._reply("POST", {name: values[0] for name, values in body.items()})

            def do_GET(self) -> None:
                self._reply("GET", {})

            def _reply(self, method: str, values: dict[str, str]) -> None:
                key = self.headers.get("Idempotency-Key", "")
                status, made = stub.answer(method, self.path.split("?")[0], values, key)
                if self.headers["Authorization"] != f"Bearer {KEY}":
                    status, made = error(401, "invalid_request_error", "Invalid API Key provided")
                if stub.loses:
                    stub.loses -= 1
                    self.close_connection = True
                    return
                content = json.dumps(made).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Stripe-Should-Retry", "false")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *values: Any) -> None:
                pass

        return Handler


def session(
    number: str, amount: int, currency: str, expires: int, values: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": number,
        "object": "checkout.session",
        "amount_subtotal": amount,
        "amount_total": amount,
        "cancel_url": values["cancel_url"],
        "client_reference_id": values["client_reference_id"],
        "created": int(time.time()),
        "currency": currency,
        "customer_email": values["customer_email"],
        "expires_at": expires,
        "livemode": False,
        "metadata": {"order": values["metadata[order]"]},
        "mode": "payment",
        "payment_intent": None,
        "payment_method_types": [values["payment_method_types[0]"]],
        "payment_status": "unpaid",
        "status": "open",
        "success_url": values["success_url"],
        "url": f"https://checkout.stripe.com/c/pay/{number}",
    }
