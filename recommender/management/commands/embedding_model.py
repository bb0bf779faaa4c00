"""``manage.py embedding_model``: change embedding models (docs/operations.md)."""

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
        actions.add_parser(
            "list", help="list the models, with the number of embedded and failed images"
        )
        add = actions.add_parser(
            "add", help="check a model folder and let workers backfill its table"
        )
        add.add_argument("name")
        activate = actions.add_parser("activate", help="search by a model that is backfilled")
        activate.add_argument(
            "name", nargs="?", default="", help="default: the model being backfilled"
        )
        actions.add_parser("rollback", help="switch back to the model that was active before")
        remove = actions.add_parser("remove", help="empty the table of a model; can be repeated")
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
            self.stdout.write(f"{model}: {done} of {every} listed images, {count} failed")
            if text := unusable_reason(model):
                self.stderr.write(f"  {text}")

    def _add(self, name: str) -> None:
        model = rollout.add(name)
        sent = send("recommender.tasks.embed_pending_images")
        send("recommender.tasks.warm_up")  # loads the network before it is activated
        self.stdout.write(f"{model}: workers backfill its table" + ("." if sent else " later."))

    def _activate(self, name: str) -> None:
        self.stdout.write(f"{rollout.activate(name).name} is active.")

    def _rollback(self, _name: str) -> None:
        model = rollout.rollback()
        send("recommender.tasks.embed_pending_images")
        done, every = rollout.coverage(model)
        waiting = f" {every - done} of {every} listed images are pending." if done < every else ""
        self.stdout.write(f"{model.name} is active again.{waiting}")

    def _remove(self, name: str) -> None:
        self.stdout.write("Waiting half a minute for requests that still search by it.")
        deleted = rollout.remove(name)
        self.stdout.write(f"{name} is removed with {deleted} embeddings; its slot is free.")
