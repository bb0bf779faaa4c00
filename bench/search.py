"""Whether the catalogue's searches find what they should, and how long they take.

    python bench/search.py

Runs the 60 searches of ``bench/search_table.py`` on the catalogue of VAR_DIR, prints each whose
first five products are not all what they must be, and the time of finding and ordering a page.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.setup import set_up_django  # noqa: E402

set_up_django()

from bench.search_table import SEARCHES, wrong_products  # noqa: E402
from shop.catalogue.models import Variant  # noqa: E402


def main() -> None:
    first = Variant.objects.order_by("pk").values_list("sku", flat=True)[0]
    times, failed = [], 0
    for query, wanted in SEARCHES.items():
        wrong_products(query, wanted, first)
        start = time.perf_counter()
        wrong = wrong_products(query, wanted, first)
        times.append((time.perf_counter() - start) * 1000)
        if wrong is None or wrong:
            failed += 1
            print(f"{query!r}: {'nothing' if wrong is None else [str(one) for one in wrong]}")
    slowest = statistics.quantiles(times, n=20)[-1]
    print(
        f"{len(SEARCHES) - failed} of {len(SEARCHES)} hold; "
        f"median {statistics.median(times):.0f} ms, p95 {slowest:.0f} ms"
    )


if __name__ == "__main__":
    main()
