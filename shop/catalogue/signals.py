"""Define signals by which apps take part when products are merged or deleted."""

from __future__ import annotations

from django.dispatch import Signal

# Sent in the transaction that merges or deletes products, before it locks them. ``variants`` has
# the ids of their variants. Receivers lock the rows that a sale locks before variants.
pre_merge_or_delete = Signal()
# Sent in the transaction of a merge. ``survivor`` is the id of the product that remains, ``others``
# has the ids of the merged products, and ``variants`` maps the ids of variants that could not move
# to those of the survivor. Each receiver returns what it moved, as texts for staff.
products_merged = Signal()
# Sent with ``files``, the names of originals that no ``ProductImage`` uses. Each receiver returns
# the names that it may still need; the other files are deleted.
files_needed = Signal()
# Sent with ``request`` and ``text`` when a search has found no product.
nothing_found = Signal()
