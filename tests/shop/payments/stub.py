"""A local stand-in for Stripe's HTTP interface, with the shapes that it documents."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


class Stripe:
    """Keeps sessions and refunds; ``fails`` makes every call fail."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, dict[str, Any]] = {}
        self.fails = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def pay(self, session_id: str) -> dict[str, Any]:
        """The buyer pays on the hosted page."""
        session = self.sessions[session_id]
        assert session["status"] == "open", "Stripe takes no money for an expired session"
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": "pi_1"}
        return session

    def answer(
        self, method: str, path: str, values: dict[str, str], key: str
    ) -> tuple[int, dict[str, Any]]:
        if self.fails:
            error = {"type": "api_error", "message": "Something went wrong on Stripe's end."}
            return self.fails, {"error": error}
        if method == "POST" and key and key in self.by_key:
            return 200, self.by_key[key]
        parts = path.strip("/").split("/")
        if parts[1:3] == ["checkout", "sessions"]:
            made = self._session(method, parts, values)
        elif parts[1] == "refunds":
            made = self._refund(values)
        else:
            return 404, {"error": {"type": "invalid_request_error", "message": path}}
        if method == "POST" and key:
            self.by_key[key] = made
        return 200, made

    def _session(self, method: str, parts: list[str], values: dict[str, str]) -> dict[str, Any]:
        if len(parts) == 3:
            number = f"cs_test_{len(self.sessions) + 1}"
            self.sessions[number] = {
                "id": number,
                "object": "checkout.session",
                "amount_total": int(values["line_items[0][price_data][unit_amount]"]),
                "client_reference_id": values["client_reference_id"],
                "currency": values["line_items[0][price_data][currency]"],
                "expires_at": int(values["expires_at"]),
                "livemode": False,
                "metadata": {"order": values["metadata[order]"]},
                "mode": "payment",
                "payment_intent": None,
                "payment_status": "unpaid",
                "status": "open",
                "url": f"https://checkout.stripe.com/c/pay/{number}",
            }
            return self.sessions[number]
        if parts[-1] == "expire":
            self.sessions[parts[3]]["status"] = "expired"
        return self.sessions[parts[3]]

    def _refund(self, values: dict[str, str]) -> dict[str, Any]:
        number = f"re_{len(self.refunds) + 1}"
        refund = {"id": number, "object": "refund", "status": "succeeded", **values}
        self.refunds[number] = refund
        return refund

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


def event(kind: str, content: dict[str, Any], number: str = "evt_1") -> dict[str, Any]:
    return {
        "id": number,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": content},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_1", "idempotency_key": None},
        "type": kind,
    }


def intent(order_id: int, amount: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "currency": "eur",
        "last_payment_error": None,
        "latest_charge": "ch_1",
        "metadata": {"order": str(order_id)},
        "status": "succeeded",
    } | changes


def failed_intent(order_id: int, amount: int) -> dict[str, Any]:
    error = {"code": "card_declined", "message": "Your card was declined.", "type": "card_error"}
    return intent(
        order_id,
        amount,
        amount_received=0,
        status="requires_payment_method",
        last_payment_error=error,
    )


def charge(order_id: int, amount: int, refunded: int) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": amount,
        "amount_refunded": refunded,
        "currency": "eur",
        "metadata": {"order": str(order_id)},
        "payment_intent": "pi_1",
        "refunded": refunded == amount,
    }


def signature(payload: bytes, secret: str, at: int | None = None) -> str:
    """As https://docs.stripe.com/webhooks describes it."""
    at = int(time.time()) if at is None else at
    signed = f"{at}.".encode() + payload
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
