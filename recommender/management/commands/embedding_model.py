"""``manage.py embedding_model``: see docs/operations.md."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from recommender.embedding import rollout
from recommender.embedding.model_store import unusable_reason
from recommender.embedding.queue import failed
from recommender.models import EmbeddingModel
from shop.core.tasks import send


class Command(BaseCommand):
    help = "Switches from one embedding model to another while the shop is open."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="the models, how much they have seen, what is parked")
        add = actions.add_parser("add", help="check a model folder; workers fill its column")
        add.add_argument("name")
        activate = actions.add_parser("activate", help="search with the model that is ready")
        activate.add_argument("name", nargs="?", default="", help="without: the one being filled")
        actions.add_parser("rollback", help="back to the model that was active before")
        remove = actions.add_parser("remove", help="empty the column of a model; resumable")
        remove.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['action']}")(options.get("name", ""))
        except rollout.RolloutError as error:
            raise CommandError(str(error)) from error

    def _list(self, _name: str) -> None:
        for model in EmbeddingModel.objects.exclude(state=EmbeddingModel.State.RETIRED):
            done, every = rollout.coverage(model)
            count = failed(model).count()
            self.stdout.write(f"{model}: {done} of {every} listed pictures, {count} parked")
            if text := unusable_reason(model):
                self.stderr.write(f"  {text}")

    def _add(self, name: str) -> None:
        model = rollout.add(name)
        sent = send("recommender.tasks.embed_pending_images")
        self.stdout.write(f"{model}: workers fill its column" + ("." if sent else " later."))

    def _activate(self, name: str) -> None:
        self.stdout.write(f"{rollout.activate(name).name} is active.")

    def _rollback(self, _name: str) -> None:
        model = rollout.rollback()
        send("recommender.tasks.embed_pending_images")
        done, every = rollout.coverage(model)
        waiting = f" {every - done} of {every} listed pictures wait for it." if done < every else ""
        self.stdout.write(f"{model.name} is active again.{waiting}")

    def _remove(self, name: str) -> None:
        self.stdout.write("Pages that still search with it get half a minute.")
        freed = rollout.remove(name)
        self.stdout.write(f"{name} is removed, {freed} vectors; its column is free.")
