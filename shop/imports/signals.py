"""Signals by which the import informs apps that it does not know."""

from __future__ import annotations

from django.dispatch import Signal

# Sent after each committed batch with ``image_ids``, the primary keys of new ``ProductImage`` rows,
# and with an empty list at the end of a run or rollback. ``sender`` is None.
catalogue_imported = Signal()
