"""Detect the encoding of a table."""

from __future__ import annotations

import codecs
import re
from typing import IO

from charset_normalizer import from_bytes

BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Staff can choose one of these encodings. They are also the candidates when the encoding of a file
# that is not Unicode is detected.
LEGACY = {
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1254": "Windows-1254",
    "cp1257": "Windows-1257",
    "iso8859_2": "ISO-8859-2",
    "iso8859_15": "ISO-8859-15",
    "mac_roman": "MacRoman",
    "cp850": "CP850",
    "shift_jis": "Shift JIS",
    "gb18030": "GB 18030",
}
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", **LEGACY}
DEFAULT_LEGACY = "cp1252"
CHUNK = 1024 * 1024
SAMPLE_BYTES = 64 * 1024
# A candidate is considered if its mess ratio (``chaos``) exceeds that of the best one by no more
# than this.
TOLERANCE = 0.03
# A symbol between two letters, such as a superscript, means that the encoding is wrong.
SIGN_IN_A_WORD = re.compile(r"[^\W\d_][^\w\s'’‘`´.,:;/&+*\"()|-][^\W\d_]|[^\W\d_][²³¹][^\W\d_]")


def find_encoding(file: IO[bytes]) -> str:
    """Detect the encoding of a file.

    It is found by BOM, then UTF-16 NUL bytes, then valid UTF-8; otherwise it is the likeliest one.
    """
    head = file.read(4096)
    for mark, name in BOMS.items():
        if head.startswith(mark):
            return name
    if head.count(b"\0") > len(head) // 4:
        return "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    decoder = codecs.getincrementaldecoder("utf-8")()
    sample = bytearray()
    while head:
        try:
            decoder.decode(head)
        except UnicodeDecodeError:
            sample += head
            break
        head = file.read(CHUNK)
    else:
        if not decoder.getstate()[0]:
            return "utf-8"
    while len(sample) < SAMPLE_BYTES and (head := file.read(CHUNK)):
        sample += head
    lines = (line for line in bytes(sample).splitlines() if not line.isascii())
    return _likeliest(b"\n".join(lines)[:SAMPLE_BYTES])


def _likeliest(sample: bytes) -> str:
    """Return the encoding that charset-normalizer finds likeliest.

    Short texts fit several encodings equally well; Windows-1252 is then chosen, because it is the
    most common.
    """
    found = from_bytes(sample, cp_isolation=list(LEGACY))
    matches = [match for match in found if not SIGN_IN_A_WORD.search(str(match))]
    if not matches:
        return DEFAULT_LEGACY
    near = [match for match in matches if match.chaos <= matches[0].chaos + TOLERANCE]
    names = [match.encoding for match in near]
    names += [name for match in near for name in match.could_be_from_charset]
    names = [name for name in names if name in LEGACY]
    return DEFAULT_LEGACY if DEFAULT_LEGACY in names or not names else names[0]


def check_encoding(name: str) -> str:
    """Return the name of a text encoding. Raises ``LookupError`` for any other name."""
    "".encode(name)
    return name
