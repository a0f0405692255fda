"""Which changes of a project count, and that one lot of them is one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("covet._native", reason="needs the native module", exc_type=ImportError)

from covet import changes
from covet.changes import Changes, Project, in_words

PATIENCE = 20.0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for folder in ("src/deep", "env/lib", ".git", "node_modules/x", "src/__pycache__"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "include", "exclude", "counts"),
    [
        ("app.py", (), (), True),
        ("src/deep/app.py", (), (), True),
        ("covet.toml", (), (), True),
        ("page.html", (), (), False),
        ("page.html", ("*.html",), (), True),
        ("src/page.html", ("src/*.html",), (), True),
        ("page.html", ("src/*.html",), (), False),
        (".#app.py", (), (), False),
        ("app.py~", (), (), False),
        ("4913", (), (), False),
        (".git/hook.py", (), (), False),
        ("src/__pycache__/app.py", (), (), False),
        ("node_modules/x/app.py", (), (), False),
        ("app.py", (), ("*.py",), False),
        ("src/app.py", (), ("src",), False),
        ("src/deep/app.py", (), ("src/",), False),
        ("src/deep/app.py", (), ("deep",), False),
        ("src/deep/app.py", (), ("lib",), True),
        ("../other.py", (), (), False),
    ],
)
def test_what_counts(shop: Path, path: str, include: tuple[str, ...], exclude: tuple[str, ...], counts: bool) -> None:
    project = Project((str(shop),), include, exclude)
    assert project.takes_file(os.path.normpath(shop / path)) is counts


@pytest.mark.parametrize(
    ("path", "watched"),
    [("", True), ("src", True), ("src/deep", True), ("env", False), (".git", False), ("node_modules", False)],
)
def test_what_is_watched(shop: Path, path: str, watched: bool) -> None:
    assert Project((str(shop),), (), ()).takes_folder(os.path.normpath(shop / path)) is watched


def test_a_folder_below_a_hidden_one_is_watched_when_it_was_named(shop: Path) -> None:
    (shop / ".git" / "src").mkdir()
    project = Project((str(shop), str(shop / ".git" / "src")), (), ())
    assert project.takes_file(str(shop / ".git" / "src" / "a.py"))


def next_of(seen: Changes, shop: Path) -> set[str]:
    return {os.path.relpath(path, shop) for path in seen.next(PATIENCE)}


def test_many_files_are_one_lot(shop: Path) -> None:
    seen = Changes(Project((str(shop),), (), ()))
    names = {f"src/m{number}.py" for number in range(200)}
    for name in names:
        (shop / name).write_text("")
    (shop / ".git" / "x.py").write_text("")
    (shop / "env" / "lib" / "x.py").write_text("")
    assert next_of(seen, shop) == names
    assert seen.next(0.0) == []


def test_every_kind_of_change(shop: Path) -> None:
    file, other = shop / "a.py", shop / "src" / "b.py"
    seen = Changes(Project((str(shop),), (), ()))
    file.write_text("1")
    assert next_of(seen, shop) == {"a.py"}
    os.utime(file)
    file.read_text()
    file.chmod(0o600)
    assert seen.next(0.0) == []  # neither times nor rights nor reading
    file.rename(other)
    assert next_of(seen, shop) == {"a.py", "src/b.py"}
    other.unlink()
    assert next_of(seen, shop) == {"src/b.py"}
    (shop / "src").rename(shop / "lib")
    assert "src" in next_of(seen, shop)
    (shop / "lib" / "deep" / "c.py").write_text("")
    assert next_of(seen, shop) == {"lib/deep/c.py"}


def test_files_of_a_folder_that_comes_are_changes(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    new = tmp_path_factory.mktemp("elsewhere") / "new"
    (new / "deep").mkdir(parents=True)
    (new / "deep" / "a.py").write_text("")
    seen = Changes(Project((str(shop),), (), ()))
    new.rename(shop / "new")
    assert next_of(seen, shop) == {"new/deep/a.py"}


def test_lost_notices_mean_that_anything_changed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Lossy:
        deep = False

        def add(self, folder: str) -> None: ...

        def next(self, seconds: float) -> None:
            return None

    monkeypatch.setattr(changes, "Watcher", Lossy)
    monkeypatch.setattr(changes, "LONGEST", 0.0)
    assert Changes(Project((str(shop),), (), ())).next(0.0) == [str(shop)]


def test_no_room_for_watches_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        deep = False

        def add(self, folder: str) -> None:
            raise OSError(28, "the system allows no more watches (fs.inotify.max_user_watches)")

    monkeypatch.setattr(changes, "Watcher", Full)
    with pytest.raises(OSError, match=rf"cannot watch {shop}: the system allows no more watches \(fs\."):
        Changes(Project((str(shop),), (), ()))


def test_names_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [str(tmp_path / name) for name in ("a.py", "b\n.py", "\udcff.py", "d.py", "e.py")]
    assert in_words(paths[:1]) == "a.py"
    assert in_words(paths) == r"a.py, 'b\n.py', \udcff.py and 2 more"


def test_the_parent_imports_as_little_as_the_supervisor() -> None:
    code = (
        "import sys; before = set(sys.modules); import covet.reloading;"
        "heavy = {'asyncio', 'covet._native', 'covet.app', 'typing', 'dataclasses', 'threading', 'tomllib'};"
        "print(sorted(heavy & (set(sys.modules) - before)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"
