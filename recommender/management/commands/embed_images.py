"""Embed every picture that has no vector yet."""

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
    help = "Tell the workers to embed pending images; --wait shows their progress."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", action="store_true", help="Wait until all is searchable.")
        parser.add_argument(
            "--timeout", type=float, default=120, help="Give up after so many seconds standstill."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not send("recommender.tasks.embed_pending_images"):
            raise CommandError("Redis does not answer; start it, or look at REDIS_URL.")
        model = EmbeddingModel.objects.active()
        if text := unusable_reason(model):
            raise CommandError(text)
        todo = pending(model).count()
        if not options["wait"]:
            self.stdout.write(f"{todo} pictures are waiting for a worker.")
            return
        started = time.monotonic()
        self._watch(model, todo, options["timeout"])
        seconds = max(time.monotonic() - started, 1e-6)
        self.stdout.write(
            f"{todo} pictures in {seconds:.1f} s, {todo / seconds:.1f} images/s; "
            f"{failed(model).count()} parked."
        )

    def _watch(self, model: EmbeddingModel, todo: int, timeout: float) -> None:
        left, moved = todo, time.monotonic()
        with tqdm(total=todo, unit=" images", disable=None) as bar:
            while left:
                time.sleep(0.5)
                now_left = pending(model).count()
                bar.update(left - now_left)
                if now_left != left:
                    left, moved = now_left, time.monotonic()
                elif time.monotonic() - moved > timeout:
                    raise CommandError(
                        f"{left} pictures wait and no worker moved for {timeout:.0f} s. "
                        "Is a worker for the queue “catalogue” running?"
                    )
