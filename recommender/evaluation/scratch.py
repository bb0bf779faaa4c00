"""Create a scratch database with a catalogue and its embeddings."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from recommender.embedding.queue import pending
from recommender.embedding.worker import embed_pending
from recommender.evaluation.datasets import Dataset, EvaluationError, Progress
from recommender.evaluation.vectorizers import Network
from recommender.garments.categories import fill_garments
from recommender.models import EmbeddingModel
from recommender.search.spread import measure_spread
from shop.imports.errors import ImportProblem
from shop.imports.jobs.run import import_catalogue


@contextmanager
def scratch_database(
    catalogue: Path, dataset: Dataset, network: Network, progress: Progress
) -> Iterator[str]:
    """Connect to a database of this catalogue and network instead of the shop's; yield its name.

    The database is created on the shop's server and kept, so that the next run embeds only what is
    missing. Raises ``EvaluationError``.
    """
    name, shop = database_name(dataset, network), str(connection.settings_dict["NAME"])
    _create(name)
    _connect_to(name)
    try:
        call_command("migrate", verbosity=0, interactive=False)
        _fill(catalogue, network, progress)
        yield name
    finally:
        _connect_to(shop)


def database_name(dataset: Dataset, network: Network) -> str:
    """Return a name that depends on the pictures, the network and the migrations."""
    leaves = MigrationLoader(None).graph.leaf_nodes()
    text = f"{network.key} {dataset.digest} {sorted(leaves)}"
    return f"evaluation_{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _create(name: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
    except DatabaseError as error:
        raise EvaluationError(
            f"The scratch database {name} cannot be created: {error}. Let the database user create "
            "databases (ALTER ROLE … CREATEDB), or leave out --catalogue to measure the shop."
        ) from error


def _connect_to(name: str) -> None:
    """Use this database from now on, also in threads that are started later."""
    connection.close()
    connection.settings_dict["NAME"] = name


def _fill(catalogue: Path, network: Network, progress: Progress) -> None:
    """Import the catalogue, embed what is not embedded yet and measure the spread."""
    EmbeddingModel.objects.update(name=network.name, sha256=network.folder.sha256)
    try:
        # Sample prices are added, because research data has no prices, and pages only show priced
        # products.
        import_catalogue(catalogue, progress=partial(progress, "import"), sample_data=True)
    except ImportProblem as problem:
        raise EvaluationError(str(problem)) from problem
    model = EmbeddingModel.objects.active()
    done, total = 0, pending(model).count()

    def count(pictures: int) -> None:
        nonlocal done
        done += pictures
        progress("embeddings", min(done, total), total)

    embed_pending(model, progress=count)
    fill_garments()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # autovacuum would analyse too late
    EmbeddingModel.objects.update(
        spread=measure_spread(model, network.folder.spread or model.spread)
    )
