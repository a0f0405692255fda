"""`static`: what it refuses at its line and at start, and what becomes of it."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from covet import Covet, Router
from covet._compile import compile_files
from covet._plan import FilesPlan
from covet.errors import ConfigurationError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("assets", "."), r'path \'assets\' does not start with "/"'),
        (("/{name}", "."), r"the path of static files is '/\{name\}': it takes no parameters"),
        (("/a", 7), r"directory is 7: write a path"),
        (("/a", b"."), r"directory is b'\.': write a path"),
    ],
)
def test_mistakes_at_the_line(arguments: tuple[Any, Any], message: str) -> None:
    app = Covet()
    with pytest.raises(ConfigurationError, match=rf"test_static\.py:\d+: {message}"):
        app.static(*arguments)


def test_spa_is_a_switch() -> None:
    with pytest.raises(ConfigurationError, match="spa is 'yes': write True or False"):
        Covet().static("/a", ".", spa="yes")  # type: ignore[arg-type]


def test_plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dist").mkdir()
    app, router = Covet(), Router("/r")
    app.static("/", "dist", spa=True)
    app.static("/assets/", tmp_path)
    router.static("/files", "dist")
    app.include_router(router, prefix="/api")
    plans = list(compile_files(app))
    dist = os.fspath(tmp_path / "dist")
    assert [(plan.path, plan.directory, plan.spa) for plan in plans] == [
        ("", dist, True),
        ("/assets", os.fspath(tmp_path), False),
        ("/api/r/files", dist, False),
    ]
    assert all(isinstance(plan, FilesPlan) and "test_static.py:" in plan.origin for plan in plans)


def test_mistakes_at_start(tmp_path: Path) -> None:
    app = Covet()
    app.static("/a", tmp_path / "missing")
    missing = re.escape(f"there is no directory {os.fspath(tmp_path / 'missing')!r}")
    with pytest.raises(ConfigurationError, match=missing):
        list(compile_files(app))
    app, router = Covet(), Router("/{tenant}")
    router.static("/a", tmp_path)
    app.include_router(router)
    with pytest.raises(ConfigurationError, match=r"'/\{tenant\}/a': it takes no parameters"):
        list(compile_files(app))


def test_not_after_the_start(tmp_path: Path) -> None:
    app = Covet()
    app.close_routes()
    with pytest.raises(ConfigurationError, match="the server has started"):
        app.static("/a", tmp_path)
