"""The command `covet`."""

from covet.cli.main import main

__all__ = ["main"]
