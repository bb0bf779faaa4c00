"""Draw the demo catalogue as a folder for the importer: ``python -m demo.catalogue FOLDER``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from demo.catalogue.folder import write_demo_catalogue

if __name__ == "__main__":
    parser = ArgumentParser(prog="python -m demo.catalogue", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    try:
        count = write_demo_catalogue(folder)
    except OSError as error:
        sys.exit(str(error))
    print(f"{count} products are in {folder}")
