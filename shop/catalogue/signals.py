"""How rooms that the catalogue does not know take part when products or files are merged or go."""

from __future__ import annotations

from django.dispatch import Signal

# First, in the transaction, with ``variants``, the ids of all that may move or go: whoever locks
# rows before it locks variants does so now.
products_merging = Signal()
# Then with ``stays``, a product's id, ``others``, the ids of those that it stands for from now on,
# and ``variants``, which of its variants stands for each that could not move. Each receiver
# returns what it moved, as texts for the staff.
products_merged = Signal()
# With ``files``, names of originals that no ``ProductImage`` has. Each receiver returns those of
# them that it may give to a row again; the others are deleted.
files_needed = Signal()
# With ``request`` and ``text``, when a search has found no product.
nothing_found = Signal()
