"""``manage.py train_embedder``: see docs/training.md."""

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
AGAIN = "What was learned up to the last whole epoch is kept; go on with --resume."


class Command(BaseCommand):
    help = "Fine-tune a network on the shop's own catalogue; the result is a new model folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the new model: small letters, digits, - . _")
        parser.add_argument(
            "--from",
            dest="source",
            help=f"imagenet, untrained or a model folder; default {settings.DEFAULT_MODEL}",
        )
        parser.add_argument("--catalogue", type=Path, help="folder or ZIP; default: the shop")
        parser.add_argument("--exclude", type=Path, help="file of ids never to learn from")
        parser.add_argument("--resume", action="store_true", help="go on with a run that stopped")
        parser.add_argument("--size", type=int, help="side in pixels; default: the source's")
        parser.add_argument("--epochs", type=int, help="at most, the frozen included; default 10")
        parser.add_argument(
            "--frozen-epochs", type=int, help="of the heads alone; default 1, untrained 0"
        )
        parser.add_argument("--unfreeze", choices=(ALL, LAST), help="what then learns; default all")
        parser.add_argument(
            "--no-augmentation",
            dest="augment",
            action="store_const",
            const=False,
            help="learn the pictures as they are: catalogue only, no street photos",
        )
        parser.add_argument("--batch", type=int, help="default 32")
        parser.add_argument(
            "--learning-rate", type=float, help="of Adam; default 1e-4, untrained 2e-4"
        )
        parser.add_argument("--seed", type=int, help="default 1")
        parser.add_argument("--limit", type=int, help="learn from so many products, drawn by seed")
        parser.add_argument(
            "--patience", type=int, help="stop after so many epochs without gain; default 3"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = self._train(options)
        except (TrainingError, ModelFolderError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error}. Look at permissions and free space under VAR_DIR. {AGAIN}"
            ) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. {AGAIN}", returncode=130) from None
        self.stdout.write(f"The model is in {path}")

    def _train(self, options: dict[str, Any]) -> Path:
        # TensorFlow: only when there is something to do.
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
                raise TrainingError("A run goes on with its own pictures; leave out the files.")
            given["source"] = options["source"]
            return resume(options["name"], given, watcher=progress)
