"""Read the command lines of the benchmarks."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter


def argument_parser(documentation: str | None) -> ArgumentParser:
    """Return a parser whose ``--help`` shows a script's docstring with its line breaks."""
    return ArgumentParser(description=documentation, formatter_class=RawDescriptionHelpFormatter)
