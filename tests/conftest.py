"""What tests share is imported as `tests.<topic>.<module>`, from whatever folder pytest was started in."""

import multiprocessing.util
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = str(Path(__file__).resolve().parents[1])
if ROOT not in sys.path:
    sys.path.insert(0, ROOT)


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test, and no program that one starts, leaves a temporary file behind."""
    # What tests are given lies elsewhere and stays; what `multiprocessing` has goes when this process ends.
    tmp_path_factory.getbasetemp()
    multiprocessing.util.get_temp_dir()
    with tempfile.TemporaryDirectory(prefix="covet-tests-") as name, pytest.MonkeyPatch.context() as patch:
        folder = Path(name)
        folder.chmod(0o711)  # servers that run as another user have folders in it
        patch.setenv("TMPDIR", os.fspath(folder))
        patch.setattr(tempfile, "tempdir", None)
        yield
        assert sorted(path.name for path in folder.iterdir()) == []
