from __future__ import annotations

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from shop.core.validators import is_id


class NewestFirst(CursorPagination):
    """Paginates by row id, newest first, so that rows added between calls cause no repetition."""

    page_size = 24
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering = "-pk"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Return the cursor. Raises ``NotFound`` for a forged one whose position is not an id."""
        cursor = super().decode_cursor(request)
        position = cursor.position if cursor else None
        if position is not None and not is_id(str(position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
