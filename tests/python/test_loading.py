"""From "module:attribute" to an application, and the words where there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)

from covet.loading import LoadError, load_app

SHOP = """
from covet import Covet
main = Covet(title="Shop")
class Holder:
    app = main
def make():
    return Covet(title="Made")
def fails():
    raise RuntimeError("no database")
async def asgi(scope, receive, send): ...
number = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "loaded_shop.py").write_text(SHOP)
    (tmp_path / "loaded_broken.py").write_text(
        "import loaded_shop\n\ndef load():\n    raise KeyError('dsn')\n\nload()\n"
    )
    (tmp_path / "loaded_syntax.py").write_text("def (:\n")
    (tmp_path / "loaded_needs.py").write_text("import loaded_absent_library\n")
    before = list(sys.path)
    yield tmp_path
    sys.path[:] = before
    for name in [name for name in sys.modules if name.startswith("loaded_")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("target", "factory", "title"),
    [
        ("loaded_shop:main", False, "Shop"),
        ("loaded_shop:Holder.app", False, "Shop"),
        ("loaded_shop:make", True, "Made"),
    ],
)
def test_load(folder: Path, target: str, factory: bool, title: str) -> None:
    assert load_app(target, str(folder), factory=factory).title == title


@pytest.mark.parametrize(
    ("target", "factory", "text"),
    [
        ("loaded_shop", False, "'loaded_shop' does not name an application: write module:attribute, as app:main"),
        (":main", False, "':main' does not name an application: write module:attribute, as app:main"),
        ("loaded_shp:main", False, "no module named 'loaded_shp': did you mean 'loaded_shop'?"),
        ("zzz:main", False, "no module named 'zzz': {folder} has none; --app-dir names another folder"),
        ("loaded_shop.deep:main", False, "no module named 'loaded_shop.deep'"),
        ("loaded_shop:mian", False, "'loaded_shop' has no attribute 'mian': did you mean 'main'?"),
        ("loaded_shop:zzz", False, "'loaded_shop' has no attribute 'zzz': did you mean 'main'?"),
        (
            "loaded_shop:make",
            False,
            "loaded_shop:make is the function make, not a Covet application: add --factory if it returns the application",
        ),
        ("loaded_shop:number", False, "loaded_shop:number is of type int, not a Covet application"),
        (
            "loaded_shop:number",
            True,
            "loaded_shop:number is of type int, which --factory cannot call: leave --factory out",
        ),
        ("loaded_shop:Holder", True, "loaded_shop:Holder is of type Holder, not a Covet application"),
    ],
)
def test_one_line(folder: Path, target: str, factory: bool, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        load_app(target, str(folder), factory=factory)
    assert str(caught.value).startswith(text.format(folder=folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("target", "factory", "first", "last"),
    [
        ("loaded_broken:main", False, "importing loaded_broken failed:", "KeyError: 'dsn'"),
        ("loaded_syntax:main", False, "importing loaded_syntax failed:", "SyntaxError: invalid syntax"),
        (
            "loaded_needs:main",
            False,
            "importing loaded_needs failed:",
            "ModuleNotFoundError: No module named 'loaded_absent_library'",
        ),
        ("loaded_shop:fails", True, "calling loaded_shop:fails failed:", "RuntimeError: no database"),
    ],
)
def test_the_applications_own_mistake_has_its_traceback(
    folder: Path, target: str, factory: bool, first: str, last: str
) -> None:
    with pytest.raises(LoadError) as caught:
        load_app(target, str(folder), factory=factory)
    lines = str(caught.value).splitlines()
    assert (lines[0], lines[-1]) == (first, last)
    assert ("Traceback (most recent call last):" in lines) is ("SyntaxError" not in last)
    assert not any("loading.py" in line or "importlib" in line for line in lines)
