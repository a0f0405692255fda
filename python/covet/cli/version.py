"""The installed version."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed


def version() -> str:
    """Of the distribution covetpy; "unknown" where the package runs uninstalled."""
    try:
        return installed("covetpy")
    except PackageNotFoundError:
        return "unknown"
