"""Walk the parts of an image file before any decoder sees it.

Decoders spend time on every scan, segment and chunk, however few pixels there are: a JPEG of 360 KB
whose last scan is repeated 2,000 times takes minutes, and Pillow reads 10 MB of empty segments or
chunks in 7 to 30 s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# As libtiff allows. Encoders write 1 to 20.
MAX_SCANS = 100
# Tables, profiles and the like; a long ICC or XMP block takes 255 at most.
MAX_SEGMENTS = 1_000
# Bytes that belong to nothing, which Pillow reads one by one.
MAX_JUNK = 10_000
# Encoders write at least 4 KB in each, of which PICTURE_MAX_BYTES has 2,560.
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
# Their decoders take a time in proportion to the pixels (and a JPEG's scans). Those of the others
# are driven by lists in the file: frames, strips, or images that are laid over one another.
BOUNDED = {"JPEG", "PNG", "WEBP", "BMP"}

# Within a scan, FF is followed by 0, or by the number of a restart.
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
SOI, EOI, SOS, APP0, APP14 = b"\xd8", b"\xd9", b"\xda", b"\xe0", b"\xee"
# No JPEG holds a marker below, and decoders do not agree where such a segment ends.
FIRST_FRAME = b"\xc0"
# What a clean JPEG consists of: quantisation and Huffman tables, baseline, extended or progressive
# frames, restart intervals, and scans; besides, one JFIF and one Adobe segment with known fields.
PLAIN = {b"\xdb", b"\xc4", b"\xc0", b"\xc1", b"\xc2", b"\xdd", SOS}
HEADERS = {
    APP0: re.compile(rb"\x00\x10JFIF\x00\x01.[\x00-\x02]....\x00\x00", re.DOTALL),
    APP14: re.compile(rb"\x00\x0eAdobe\x00[\x64\x65]....[\x00-\x02]", re.DOTALL),
}


class Refused(ValueError):
    """Says why a file is not decoded: ``unknown``, ``complex``, ``pixels`` or ``damaged``."""

    def __init__(self, reason: str, **values: int) -> None:
        super().__init__(reason, values)
        self.reason, self.values = reason, values


@dataclass(frozen=True)
class Structure:
    """The kind of a file and, of a JPEG, its scans and whether it holds nothing but the picture.

    ``ended`` is false for a JPEG that lacks its end marker.
    """

    kind: str
    scans: int = 1
    clean: bool = False
    ended: bool = True


def examine(data: bytes) -> Structure:
    """Return what the file is. Raises ``Refused`` for an unknown kind and for too many parts."""
    kind = next((kind for kind, starts in SIGNATURES.items() if starts.match(data)), "")
    if not kind:
        raise Refused("unknown")
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
    raise Refused("complex")


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
            raise Refused("damaged")
        clean = clean and _is_plain(data, marker, begin, seen)
        seen.add(marker)
        scans += marker == SOS
        if scans > MAX_SCANS or junk > MAX_JUNK:
            break
        at = begin + max(2, int.from_bytes(data[begin : begin + 2], "big"))
    raise Refused("complex")


def _is_plain(data: bytes, marker: bytes, begin: int, seen: set[bytes]) -> bool:
    if marker in PLAIN:
        return True
    header = HEADERS.get(marker)
    return header is not None and marker not in seen and bool(header.match(data, begin))
