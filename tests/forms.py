"""Read the forms of pages as a browser would submit them."""

from __future__ import annotations

from html.parser import HTMLParser

from django.test import Client

Attributes = dict[str, str | None]


def fields_of(client: Client, address: str, form: str) -> dict[str, str]:
    """Return the initial values of the form with this id."""
    reader = _Form(form)
    reader.feed(client.get(address).content.decode())
    assert reader.values, f"There is no form “{form}” at {address}."
    return reader.values


class _Form(HTMLParser):
    def __init__(self, form: str) -> None:
        super().__init__()
        self.form = form
        self.inside = False
        self.values: dict[str, str] = {}
        self.open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form
        elif self.inside or given.get("form") == self.form:
            self._field(tag, given)

    def _field(self, tag: str, given: Attributes) -> None:
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and name and self._is_sent(given):
            self.values[name] = value or ("on" if "checked" in given else "")
        elif tag in ("select", "textarea"):
            self.open = name
            self.values[name] = ""
        elif tag == "option" and "selected" in given:
            self.values[self.open] = value

    def _is_sent(self, given: Attributes) -> bool:
        kind = given.get("type")
        return (
            "checked" in given if kind in ("checkbox", "radio") else kind not in ("submit", "file")
        )

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self.open:
            self.values[self.open] += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("select", "textarea"):
            self.open = ""
        elif tag == "form":
            self.inside = False
