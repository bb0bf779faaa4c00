"""Check the results of 60 text searches and time them.

    python bench/search.py

Runs the searches of ``bench/search_table.py`` on the shop's catalogue. Prints each search that
finds nothing or a wrong product among the first five, and the time that searches take.
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

from bench.arguments import argument_parser  # noqa: E402
from bench.search_table import SEARCHES, wrong_products  # noqa: E402
from shop.catalogue.models import Variant  # noqa: E402


def main() -> None:
    argument_parser(__doc__).parse_args()
    first = Variant.objects.order_by("pk").values_list("sku", flat=True)[0]
    times, failed = [], 0
    for query, expected in SEARCHES.items():
        wrong_products(query, expected, first)  # warm-up
        start = time.perf_counter()
        wrong = wrong_products(query, expected, first)
        times.append((time.perf_counter() - start) * 1000)
        if wrong is None or wrong:
            failed += 1
            print(f"{query!r}: {'nothing' if wrong is None else [str(one) for one in wrong]}")
    slowest = statistics.quantiles(times, n=20)[-1]
    print(
        f"{len(SEARCHES) - failed} of {len(SEARCHES)} searches are right; "
        f"median {statistics.median(times):.0f} ms, p95 {slowest:.0f} ms"
    )


if __name__ == "__main__":
    main()
