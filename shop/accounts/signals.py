"""Signal by which the account pages collect personal data from apps they do not import."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``user``; each receiver returns a dict that can be serialised as JSON.
personal_data = Signal()
