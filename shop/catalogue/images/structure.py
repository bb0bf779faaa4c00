"""Examine the structure of an image file before it is decoded.

Decoders spend time on every scan, segment and chunk, however few pixels there are: a JPEG of 360 KB
whose last scan is repeated 2,000 times takes minutes, and Pillow takes 7 to 30 s for 10 MB of empty
segments or chunks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# The same limit as in libtiff; encoders write 1 to 20 scans.
MAX_SCANS = 100
# A long ICC or XMP block takes at most 255 segments; there are few others.
MAX_SEGMENTS = 1_000
# Bytes between segments are limited, because Pillow reads them one by one.
MAX_JUNK = 10_000
# Encoders put at least 4 KB into each chunk, so a file of PICTURE_MAX_BYTES has at most 2,560.
MAX_CHUNKS = 10_000

SIGNATURES = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WEBP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "BMP": re.compile(rb"BM"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "TIFF": re.compile(rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]"),
    "ISO": re.compile(rb"....ftyp", re.DOTALL),  # AVIF and HEIF
}
# The decoding time of these formats is proportional to the pixels and, for a JPEG, to the scans.
# For other formats it depends on lists in the file: frames, strips or overlaid images.
BOUNDED = {"JPEG", "PNG", "WEBP", "BMP"}

# Within a scan, FF 00 is an escaped FF and FF D0 to FF D7 are restart markers. Neither begins a
# segment, so both are skipped.
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
SOI, EOI, SOS, APP0, APP14 = b"\xd8", b"\xd9", b"\xda", b"\xe0", b"\xee"
# Lower markers are refused, because decoders disagree on where their segments end.
FIRST_FRAME = b"\xc0"
# A clean JPEG has only these: quantisation and Huffman tables, baseline, extended or progressive
# frames, restart intervals and scans, and one JFIF and one Adobe segment with known fields.
PLAIN = {b"\xdb", b"\xc4", b"\xc0", b"\xc1", b"\xc2", b"\xdd", SOS}
HEADERS = {
    APP0: re.compile(rb"\x00\x10JFIF\x00\x01.[\x00-\x02]....\x00\x00", re.DOTALL),
    APP14: re.compile(rb"\x00\x0eAdobe\x00[\x64\x65]....[\x00-\x02]", re.DOTALL),
}


class ImageRefused(ValueError):
    """Signals a file refused as ``unknown``, ``complex``, ``pixels`` (too many) or ``damaged``."""

    def __init__(self, reason: str, **values: int) -> None:
        super().__init__(reason, values)
        self.reason, self.values = reason, values


@dataclass(frozen=True)
class Structure:
    """Holds the kind of a file and, for a JPEG, the number of its scans.

    ``clean`` means that the JPEG has no metadata, ``ended`` that it has an end marker.
    """

    kind: str
    scans: int = 1
    clean: bool = False
    ended: bool = True


def examine(data: bytes) -> Structure:
    """Return the structure of a file.

    Raises ``ImageRefused`` for an unknown kind or too many scans, segments or chunks.
    """
    kind = next((kind for kind, starts in SIGNATURES.items() if starts.match(data)), "")
    if not kind:
        raise ImageRefused("unknown")
    if kind == "JPEG":
        return _examine_jpeg(data)
    if kind == "PNG":
        _count_chunks(data)
    return Structure(kind)


def _count_chunks(data: bytes) -> None:
    at = 8
    for _chunk in range(MAX_CHUNKS):
        if at + 8 > len(data):
            return
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    raise ImageRefused("complex")


def _examine_jpeg(data: bytes) -> Structure:
    at, scans, junk, clean, seen = 2, 0, 0, True, set[bytes]()
    for _segment in range(MAX_SEGMENTS):
        found = MARKER.search(data, at)
        if not found:
            return Structure("JPEG", scans, ended=False)
        marker, begin = found[1], found.end()
        junk += 0 if SOS in seen else found.start() - at
        if marker == EOI:
            return Structure("JPEG", scans, clean and not junk and begin == len(data))
        if marker < FIRST_FRAME or marker == SOI:
            raise ImageRefused("damaged")
        clean = clean and _is_plain(data, marker, begin, seen)
        seen.add(marker)
        scans += marker == SOS
        if scans > MAX_SCANS or junk > MAX_JUNK:
            break
        at = begin + max(2, int.from_bytes(data[begin : begin + 2], "big"))
    raise ImageRefused("complex")


def _is_plain(data: bytes, marker: bytes, begin: int, seen: set[bytes]) -> bool:
    """Return whether a clean JPEG may have this segment."""
    if marker in PLAIN:
        return True
    header = HEADERS.get(marker)
    return header is not None and marker not in seen and bool(header.match(data, begin))
