"""What the import tells the rest of the site, which it does not know."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with ``image_ids``: after every committed batch the keys of its new ``ProductImage`` rows,
# and once more, with an empty list, when the whole run, or rolling it back, is over. ``sender`` is
# None.
catalogue_imported = Signal()
