"""Signals by which apps take part when products are merged or files deleted."""

from __future__ import annotations

from django.dispatch import Signal

# Sent first in the transaction of a merge or deletion, with ``variants``, the ids of those that may
# move or be deleted, so that receivers lock the rows that a sale locks before variants.
products_merging = Signal()
# Sent in the transaction of a merge with ``survivor``, the id of the product that remains,
# ``others``, the ids of the merged ones, and ``variants``, which maps variants that could not move
# to those of the survivor. Each receiver returns what it moved, as texts for staff.
products_merged = Signal()
# Sent with ``files``, names of originals that no ``ProductImage`` has. Each receiver returns those
# that it may need again; the others are deleted.
files_needed = Signal()
# Sent with ``request`` and ``text`` when a search has found no product.
nothing_found = Signal()
