"""The public names: listed once, importable, each at its home."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import covet


def test_the_list_the_table_and_the_imports_agree() -> None:
    errors = importlib.import_module("covet.errors")
    homes = covet._HOMES | dict.fromkeys(errors.__all__, "errors")
    assert sorted(homes) == sorted(covet.__all__)
    assert not covet._HOMES.keys() & set(errors.__all__)
    tree = ast.parse(Path(covet.__file__ or "").read_text(encoding="utf-8"))
    imported = {
        alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == {name: f"covet.{home}" for name, home in homes.items()}


def test_names_are_found_at_first_use() -> None:
    errors = importlib.import_module("covet.errors")
    assert covet.NotFound is errors.NotFound
    assert set(covet.__all__) <= set(dir(covet))


def test_json_needs_no_import_of_its_own() -> None:
    program = (
        "import covet, sys; assert 'covet.json' not in sys.modules; print(covet.json.decode(b'[1]', type=list[int]))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "[1]\n"


def test_no_such_name() -> None:
    with pytest.raises(AttributeError, match="module 'covet' has no attribute 'Flask'"):
        covet.Flask  # noqa: B018
    with pytest.raises(ImportError):
        importlib.import_module("covet.flask")


def test_every_name_is_importable() -> None:
    pytest.importorskip("covet.server", reason="needs the native module", exc_type=ImportError)
    for name in covet.__all__:
        assert getattr(covet, name) is not None


def test_who_imports_the_native_module() -> None:
    package = Path(covet.__file__ or "").parent
    found = set[str]()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            if module == "covet._native" or "covet._native" in names or (module == "covet" and "_native" in names):
                found.add(path.relative_to(package).with_suffix("").as_posix())
    private = {"_connections", "_drivers", "_serving", "_sockets", "_transports", "_uploads"}
    assert found <= private | {"changes", "cli/check", "json", "loop", "requests", "responses", "worker"}
    assert {"requests", "responses", "_serving"} <= found
