"""``manage.py evaluate_embeddings``: measure recommendations (docs/quality/README.md)."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommender.evaluation.datasets import CATALOGUE, PHOTOS, EvaluationError
from recommender.evaluation.metrics import Mean
from recommender.evaluation.output import HTML, JSON, check_writable, write_report
from recommender.evaluation.page_parts import PHOTO_TO_CATALOGUE, PRODUCT_PAGES
from recommender.evaluation.run import Request, Results, evaluate
from recommender.evaluation.street_photos import PARTS
from recommender.evaluation.vectorizers import BASELINES

# Options whose values are passed to the fields of ``Request`` with the same names.
OPTIONS = (
    *("catalogue", "queries", "exclude_queries", "photos", "photos_only"),
    *("product_pages", "street_photos", "street_part", "seed"),
)


class Command(BaseCommand):
    help = "Measures the recommendations of several networks and writes a report."

    def add_arguments(self, parser: ArgumentParser) -> None:
        default = settings.DEFAULT_MODEL
        parser.add_argument("models", nargs="*", help=f"model folders; default: {default}")
        parser.add_argument("--catalogue", type=Path, help="folder or ZIP; default: the shop")
        parser.add_argument(
            "--queries", type=Path, help="file of ids to search with; default: 500 drawn by seed"
        )
        parser.add_argument(
            "--exclude-queries",
            action="store_true",
            help="search among the other products only, as for the figures of a manifest",
        )
        parser.add_argument(
            "--photos", type=Path, help="ZIP of photos: train/CLASS/, validation/CLASS/"
        )
        parser.add_argument("--photos-only", action="store_true", help="leave out the catalogue")
        parser.add_argument(
            "--product-pages",
            action="store_true",
            help="also measure the strips of similar items; of --catalogue on a scratch database",
        )
        parser.add_argument(
            "--street-photos", type=Path, help="ZIP with labels.csv: also measure photo results"
        )
        parser.add_argument(
            "--street-part",
            choices=PARTS,
            default=PARTS[0],
            help="part of the street photos to search with; default: validation",
        )
        parser.add_argument(
            "--without", action="append", choices=BASELINES, default=[], help="leave out this row"
        )
        parser.add_argument("--output", type=Path, help="folder; default: VAR_DIR/evaluation")
        parser.add_argument("--seed", type=int, default=1, help="default 1")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["output"] or Path(settings.VAR_DIR) / "evaluation"
        request = Request(
            models=tuple(options["models"] or [settings.DEFAULT_MODEL]),
            without=tuple(options["without"]),
            **{key: options[key] for key in OPTIONS},
        )
        try:
            check_writable(folder)
            with Progress() as progress:
                results = evaluate(request, progress)
            write_report(folder, results)
        except EvaluationError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error}. Check permissions and free space.") from error
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. Complete vectors are cached for the next run.", returncode=130
            ) from None
        self._print_results(results)
        self._print_pages(results)
        self.stdout.write(f"The report is in {folder / HTML}, its figures in {folder / JSON}")

    def _print_results(self, results: Results) -> None:
        for each in results["vectorizers"]:
            if "missing" in each:
                self.stdout.write(f"{each['name']} is not in the report: {each['missing']}")
        for name in (CATALOGUE, PHOTOS):
            for label, measure in results.get(name, {}).get("measures", {}).items():
                rows = measure["rows"].items()
                figures = ", ".join(f"{name} {row['precision'].value:.3f}" for name, row in rows)
                self.stdout.write(f"P@5 {label.replace('_', ' ')}: {figures}")

    def _print_pages(self, results: Results) -> None:
        if pages := results.get(PRODUCT_PAGES):
            self._print_means("Product pages", pages["measures"]["all"])
        if photos := results.get(PHOTO_TO_CATALOGUE):
            for row in photos["classes"]:
                means = {name: mean for name, mean in row.items() if name != "class"}
                self._print_means(f"Photo to catalogue, {row['class']}", means)

    def _print_means(self, title: str, means: dict[str, Mean]) -> None:
        known = {name: mean.estimate.value for name, mean in means.items() if mean.estimate}
        figures = ", ".join(f"{name.replace('_', ' ')} {each:.3f}" for name, each in known.items())
        self.stdout.write(f"{title}: {figures}")


class Progress:
    """Shows a progress bar for each long step if stderr is a terminal."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._bar is None:
            self._bar = tqdm(total=total, desc=what, leave=False, disable=not sys.stderr.isatty())
        self._bar.update(done - self._bar.n)
        if done == total:
            self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
