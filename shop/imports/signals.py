"""Define the signal by which this app informs other apps without importing them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after each committed batch, and when an import or rollback ends. ``sender`` is None.
catalogue_imported = Signal()
