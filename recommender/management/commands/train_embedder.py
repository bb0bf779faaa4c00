"""``manage.py train_embedder``: fine-tune a network (docs/training.md)."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender.embedding.model_folder import ModelFolderError
from recommender.training.options import ALL, LAST, TrainingError

OPTIONS = (
    *("size", "epochs", "frozen_epochs", "batch", "learning_rate", "seed", "limit"),
    *("patience", "unfreeze", "augment"),
)
RESUME = "The last complete epoch is saved; continue with --resume."


class Command(BaseCommand):
    help = "Fine-tunes a network on the shop's catalogue and writes a new model folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the model: lower-case letters, digits, - . _")
        parser.add_argument(
            "--from",
            dest="source",
            help=f"imagenet, untrained or a model folder; default {settings.DEFAULT_MODEL}",
        )
        parser.add_argument("--catalogue", type=Path, help="folder or ZIP; default: the shop")
        parser.add_argument("--exclude", type=Path, help="file of ids to exclude from training")
        parser.add_argument("--resume", action="store_true", help="continue a run that stopped")
        parser.add_argument("--size", type=int, help="side in pixels; default: the source's")
        parser.add_argument(
            "--epochs", type=int, help="maximum, including the frozen ones; default 10"
        )
        parser.add_argument(
            "--frozen-epochs",
            type=int,
            help="epochs that train the heads only; default 1, untrained 0",
        )
        parser.add_argument(
            "--unfreeze", choices=(ALL, LAST), help="layers trained afterwards; default all"
        )
        parser.add_argument(
            "--no-augmentation",
            dest="augment",
            action="store_const",
            const=False,
            help="train on unaltered images: for catalogues only, not for street photos",
        )
        parser.add_argument("--batch", type=int, help="default 32")
        parser.add_argument(
            "--learning-rate", type=float, help="of Adam; default 1e-4, untrained 2e-4"
        )
        parser.add_argument("--seed", type=int, help="default 1")
        parser.add_argument(
            "--limit", type=int, help="number of products to train on, drawn by seed"
        )
        parser.add_argument(
            "--patience", type=int, help="epochs without gain after which to stop; default 3"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = self._train(options)
        except (TrainingError, ModelFolderError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error}. Check permissions and free space under VAR_DIR. {RESUME}"
            ) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {RESUME}", returncode=130) from None
        self.stdout.write(f"The model is in {path}")

    def _train(self, options: dict[str, Any]) -> Path:
        # Imported here, because TensorFlow takes seconds to load.
        from recommender.training.progress import Progress
        from recommender.training.run import resume, start

        given = {key: options[key] for key in OPTIONS}
        with Progress(self.stderr) as progress:
            if not options["resume"]:
                return start(
                    options["name"],
                    options["source"] or settings.DEFAULT_MODEL,
                    given,
                    catalogue=options["catalogue"],
                    exclude=options["exclude"],
                    watcher=progress,
                )
            if options["catalogue"] or options["exclude"]:
                raise TrainingError(
                    "A run continues with its own pictures; omit --catalogue and --exclude."
                )
            given["source"] = options["source"]
            return resume(options["name"], given, watcher=progress)
