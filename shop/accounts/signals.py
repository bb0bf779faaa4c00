"""Define a signal that collects personal data from apps that this app does not import."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``user``; each receiver returns a dict that can be serialised as JSON.
personal_data = Signal()
