"""Define the signal by which this app informs other apps without importing them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after each committed batch with ``image_ids``, the primary keys of the new ``ProductImage``
# rows, and with an empty list when a run or rollback ends. ``sender`` is None.
catalogue_imported = Signal()
