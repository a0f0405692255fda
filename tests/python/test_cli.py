"""The command, as a process: one line and an exit code for each mistake. Serving itself is tested elsewhere."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import covet as covet_package


def covet(*words: str, cwd: Path, with_native: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the command below `cwd`."""
    if with_native:
        pytest.importorskip("covet.routing", reason="needs the native module", exc_type=ImportError)
    package = str(Path(covet_package.__file__ or "").parents[1])
    environment = {**os.environ, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "covet", *words], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )


APP = """
from covet import Covet
main = Covet(title="Shop")

@main.get("/")
def hello():
    return {"hello": "world"}

@main.get("/books/{id}")
def book(id: int):
    return load(id)

@main.post("/books", name="add")
async def create():
    return {}

def load(id):
    return {}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "broken.py").write_text("raise RuntimeError('no dsn')\n")
    (tmp_path / "wrong.py").write_text("from covet import Covet\nmain = Covet()\nmain.get('/')(print)\n")
    (tmp_path / "typo.py").write_text(
        "from covet import Covet\nmain = Covet()\n\n@main.get('/{id')\ndef f(id: int): ...\n"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("", 2, "covet: no command: write one of run, routes, check, config; `covet --help` says what they do"),
        ("rnu", 2, "covet: unknown command 'rnu': write one of run, routes, check, config"),
        ("run", 2, "covet: no application: write `covet run module:attribute`, as `covet run app:main`"),
        ("run shop:main --prot 1", 2, "covet: unknown option --prot: did you mean --port?"),
        ("run shop:main --port x", 2, "covet: --port is 'x': write a whole number from 0 to 65535"),
        ("routes shop:main --zzz", 2, "covet: unknown option --zzz: `covet run --help` lists them"),
    ],
)
def test_not_understood(shop: Path, words: str, code: int, text: str) -> None:
    ran = covet(*words.split(), cwd=shop)
    assert (ran.returncode, ran.stdout, ran.stderr) == (code, "", text + "\n")


@pytest.mark.parametrize("workers", ["0", "1", "2"])
@pytest.mark.parametrize(
    ("app", "text"),
    [
        ("shpo:main", "covet: no module named 'shpo': did you mean 'shop'?"),
        ("shop:mian", "covet: 'shop' has no attribute 'mian': did you mean 'main'?"),
        ("shop:load", "covet: shop:load is the function load, not a Covet application: "),
        ("typo:main", "covet: importing typo failed:"),
        ("broken:main", "covet: importing broken failed:"),
    ],
)
def test_no_start(shop: Path, workers: str, app: str, text: str) -> None:
    ran = covet("run", app, "--port", "0", "--workers", workers, cwd=shop, with_native=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith(text)
    assert ran.stderr.count("covet: ") == 1


def test_an_import_error_shows_its_traceback(shop: Path) -> None:
    ran = covet("run", "broken:main", "--port", "0", cwd=shop, with_native=True)
    assert ran.stderr.splitlines()[-1] == "RuntimeError: no dsn"
    assert 'broken.py", line 1' in ran.stderr


@pytest.mark.parametrize("workers", ["0", "1"])
def test_port_in_use(shop: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = covet("run", "shop:main", "--port", str(port), "--workers", workers, cwd=shop)
    assert (ran.returncode, ran.stderr) == (1, f"covet: cannot listen on 127.0.0.1:{port}: port in use\n")


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_help(tmp_path: Path, words: list[str]) -> None:
    ran = covet(*words, cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stdout.startswith("usage: covet run APP")


def test_help_lists_every_option(tmp_path: Path) -> None:
    from covet.launch import options

    ran = covet("run", "--help", cwd=tmp_path)
    assert ran.returncode == 0
    for spelling, words in options():
        assert any(spelling in line and words in line for line in ran.stdout.splitlines()), spelling


def test_version(tmp_path: Path) -> None:
    ran = covet("--version", cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stdout.split()[0] == "covet"


def test_routes(shop: Path) -> None:
    ran = covet("routes", "shop:main", cwd=shop, with_native=True)
    assert [line.split(None, 4) for line in ran.stdout.splitlines()] == [
        ["GET", "/", "hello", "inline", "shop.py:5 in hello"],
        ["GET", "/books/{id}", "book", "pool", "shop.py:9 in book"],
        ["POST", "/books", "add", "step", "shop.py:13 in create"],
    ]


def test_routes_with_reasons(shop: Path) -> None:
    ran = covet("routes", "-v", "shop:main", cwd=shop, with_native=True)
    assert ran.stdout.splitlines()[1].endswith("def: line 11: it calls load, which is not on the allow-list")


def test_check(shop: Path) -> None:
    ran = covet("check", "shop:main", cwd=shop, with_native=True)
    assert (ran.returncode, ran.stdout) == (0, "Shop 0.1.0: 3 routes, no mistakes found\n")


@pytest.mark.parametrize("command", ["check", "routes"])
def test_commands_that_look_find_mistakes(shop: Path, command: str) -> None:
    ran = covet(command, "typo:main", cwd=shop, with_native=True)
    assert ran.returncode == 1
    assert "a brace is open or closed without its partner: write {id}" in ran.stderr
