"""Convert the HTML descriptions of other shops to plain text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

BLOCKS = {"p", "div", "ul", "ol", "table", "section", "h1", "h2", "h3", "h4", "h5", "h6"}
HIDDEN = {"script", "style", "template"}
# Only known tags and entities match, because plain text may contain "<" or "&", too.
HTML = re.compile(
    r"</?(p|br|div|span|b|strong|i|em|u|a|ul|ol|li|h[1-6]|table|tr|td|th|section|font)\b[^<>]*>"
    r"|&(nbsp|amp|lt|gt|quot|#[0-9]+|#x[0-9a-f]+);",
    re.IGNORECASE,
)


class _TextExtractor(HTMLParser):
    """Collects the text of a document, with line breaks where a browser would show them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in HIDDEN
        if tag in BLOCKS:
            self.parts.append("\n\n")
        elif tag in {"br", "tr"}:
            self.parts.append("\n")
        elif tag == "li":
            self.parts.append("\n• ")
        elif tag in {"td", "th"}:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in HIDDEN and self._hidden > 0
        if tag in BLOCKS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain_text(text: str) -> str:
    """Convert HTML to text with a line for each list item; return other text unchanged."""
    if not HTML.search(text):
        return text
    lines = [line.strip() for line in _extract(text).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _extract(text: str) -> str:
    parser = _TextExtractor()
    # The parser takes quadratic time for many "<" without a ">" after them.
    end = text.rfind(">") + 1
    try:
        parser.feed(text[:end])
        parser.close()
    except AssertionError:  # Python 3.11 raises it for a malformed "<![", such as "<![ endif]"
        return _extract(text.replace("<![", "&lt;!["))
    parser.handle_data(html.unescape(text[end:]))
    return "".join(parser.parts)
