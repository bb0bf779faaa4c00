from __future__ import annotations

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

from shop.core.validators import is_id


class NewestFirst(CursorPagination):
    """A cursor points behind a row, so that nothing is shown twice when products are added."""

    page_size = 24
    max_page_size = 100
    page_size_query_param = "page_size"
    ordering = "-pk"

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ``NotFound`` for a position that is no row's id: whoever asks can write any."""
        cursor = super().decode_cursor(request)
        position = cursor.position if cursor else None
        if position is not None and not is_id(str(position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor
