"""The servers, each started once; and folders that PostgreSQL's user may enter."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.libraries import services


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where another user may enter, and short enough for the path of a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="covet-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def postgres(folder: Path) -> Iterator[services.Service]:
    (folder / "postgres").mkdir()
    with services.postgres(folder / "postgres") as service:
        yield service


@pytest.fixture(scope="session")
def redis(folder: Path) -> Iterator[services.Service]:
    (folder / "redis").mkdir()
    with services.redis(folder / "redis") as service:
        yield service
