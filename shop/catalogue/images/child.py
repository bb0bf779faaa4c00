"""Convert pictures in a child process that is killed if it exceeds its time or memory limit.

Each picture has a process of its own, so that no picture can affect the next. A process starts in
0.3 s.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
from pathlib import Path

from shop.catalogue.images.conversion import convert, encode, open_limited, with_end_marker
from shop.catalogue.images.structure import ImageRefused, examine

logger = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[3]
# Limits in seconds: CPU time, and wall-clock time, which also passes while other processes run.
CPU_SECONDS, SECONDS = 10, 30
# A HEIC or AVIF of 48 million pixels takes 1.1 GB, other formats 0.45 GB.
MAX_BYTES = 3 * 512 * 1024**2
# The child has a lower priority than web requests, which are more urgent.
NICENESS = 10
REFUSED = 3


def convert_in_child(data: bytes, max_side: int, max_pixels: int) -> bytes:
    """Return the converted picture as JPEG.

    Raises ``ImageRefused`` if the picture is refused or the child was killed.
    """
    command = [sys.executable, "-m", "shop.catalogue.images.child", str(max_side), str(max_pixels)]
    environment = {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=SECONDS, cwd=ROOT, env=environment
        )
    except subprocess.TimeoutExpired:
        raise ImageRefused("complex") from None
    if done.returncode == 0:
        return done.stdout
    if done.returncode == REFUSED:
        answer = json.loads(done.stdout)
        raise ImageRefused(answer["reason"], **answer["values"])
    logger.warning("A picture stopped its process (%s): %s", done.returncode, done.stderr[-500:])
    raise ImageRefused("complex")


def main(max_side: int, max_pixels: int) -> None:
    """Read a picture from stdin; write it as JPEG, or the reason for refusing it, to stdout."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        written = _convert(sys.stdin.buffer.read(), max_side, max_pixels)
    except MemoryError:
        refusal = ImageRefused("complex")
    except ImageRefused as error:
        refusal = error
    except Exception:  # decoders raise OSError, SyntaxError, struct.error and others
        refusal = ImageRefused("damaged")
    else:
        sys.stdout.buffer.write(written)
        return
    print(json.dumps({"reason": refusal.reason, "values": refusal.values}))
    sys.exit(REFUSED)


def _convert(data: bytes, max_side: int, max_pixels: int) -> bytes:
    ended = examine(data).ended
    image = open_limited(data, max_pixels)
    if not ended:
        image = open_limited(with_end_marker(data), max_pixels)
    return encode(convert(image, max_side))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
