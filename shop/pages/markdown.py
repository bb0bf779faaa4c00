"""Render Markdown as HTML."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS = {
    *("h2", "h3", "h4", "p", "br", "hr", "strong", "em", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "a", "table", "thead", "tbody", "tr", "th", "td"),
}


def render_markdown(text: str) -> SafeString:
    """Return the HTML of a Markdown text, with only the allowed tags, attributes and URL schemes.

    A first-level heading loses its tag, because only the page's title may be one.
    """
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    cleaned = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    return mark_safe(cleaned)  # noqa: S308 - nh3 has cleaned it
