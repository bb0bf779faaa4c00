"""How the account page asks rooms that it does not know what they hold of a person."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``user``; each receiver returns a dict of JSON-able values by subject.
personal_data = Signal()
