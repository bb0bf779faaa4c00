"""``manage.py embed_images``: let workers embed pending images, and wait for them."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from recommender.embedding.model_store import unusable_reason
from recommender.embedding.queue import failed, pending
from recommender.models import EmbeddingModel
from shop.core.tasks import send


class Command(BaseCommand):
    help = "Lets workers embed pending images; --wait shows their progress."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--wait", action="store_true", help="wait until all images are embedded"
        )
        parser.add_argument(
            "--timeout",
            type=float,
            default=120,
            help="seconds without progress after which to give up (default: 120)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not send("recommender.tasks.embed_pending_images"):
            raise CommandError("Redis does not answer; start it, or check REDIS_URL.")
        model = EmbeddingModel.objects.active()
        if text := unusable_reason(model):
            raise CommandError(text)
        todo = pending(model).count()
        if not options["wait"]:
            self.stdout.write(f"{todo} images are waiting for a worker.")
            return
        started = time.monotonic()
        self._watch(model, todo, options["timeout"])
        seconds = max(time.monotonic() - started, 1e-6)
        self.stdout.write(
            f"{todo} images in {seconds:.1f} s, {todo / seconds:.1f} images/s; "
            f"{failed(model).count()} failed."
        )

    def _watch(self, model: EmbeddingModel, todo: int, timeout: float) -> None:
        left, progressed = todo, time.monotonic()
        with tqdm(total=todo, unit=" images", disable=None) as bar:
            while left:
                time.sleep(0.5)
                now_left = pending(model).count()
                bar.update(left - now_left)
                if now_left != left:
                    left, progressed = now_left, time.monotonic()
                elif time.monotonic() - progressed > timeout:
                    raise CommandError(
                        f"{left} images are waiting, without progress for {timeout:.0f} s. "
                        "Is a worker for the queue “catalogue” running?"
                    )
