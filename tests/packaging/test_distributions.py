"""The wheel and the sdist: installed into an empty environment outside the repository, they serve and answer.

Slow (they compile the release profile), so marked `packaging`; `make ci` runs them.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
APP = """
from covet import Covet

main = Covet()


@main.get("/")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
"""


def environment() -> dict[str, str]:
    """The environment of a user: nothing of this repository, no instrumentation."""
    hidden = re.compile(r"^(PYTHON|VIRTUAL_ENV|RUSTC_|LLVM_|COVERAGE|COV_|PYO3_)")
    shown = {name: value for name, value in os.environ.items() if not hidden.match(name)}
    return {"CARGO_TARGET_DIR": str(ROOT / "target" / "packaging"), **shown}


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def maturin(*arguments: str | Path, cwd: Path) -> None:
    run(Path(sys.executable).parent / "maturin", *arguments, cwd=cwd)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    maturin("sdist", "--out", folder, cwd=ROOT)
    (found,) = folder.glob("*.tar.gz")
    return found


def extracted_now(member: tarfile.TarInfo, path: str) -> tarfile.TarInfo:
    """An archive's files are years old: Cargo would take what an earlier run compiled in the same folder for theirs."""
    return tarfile.data_filter(member, path).replace(mtime=None, deep=False)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that is built from the unpacked sdist alone, its Cargo.lock obeyed."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter=extracted_now)
    (source,) = (path for path in folder.iterdir() if path.is_dir())
    maturin("build", "--release", "--locked", "--interpreter", sys.executable, "--out", folder, cwd=source)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-index", "--no-deps", wheel, cwd=folder)
    (folder / "app.py").write_text(APP)
    return folder


@contextlib.contextmanager
def serving(folder: Path) -> Generator[str]:
    """`covet run` on a port of the kernel's choice; gives the printed address."""
    command = [str(folder / "venv" / "bin" / "covet"), "run", "app:main", "--workers", "1", "--port", "0"]
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        lines: list[str] = []
        try:
            for line in process.stdout or ():
                lines.append(line)
                address = re.search(r"http://[\w.:\[\]]+", line)
                if address:
                    yield address[0]
                    break
            else:
                pytest.fail(f"no address was printed: {''.join(lines)}")
        finally:
            process.terminate()
            process.wait(30)
        assert process.returncode == 0


def test_the_sdist_holds_what_a_build_needs_and_no_binary(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Cargo.lock", "pyproject.toml", "README.md", "LICENSE-MIT", "LICENSE-APACHE"} <= names
    assert {"crates/covet-server/src/lib.rs", "crates/covet-py/src/lib.rs", "python/covet/py.typed"} <= names
    assert not [name for name in names if name.endswith((".so", ".profraw", ".pyc")) or name.startswith("target/")]


def test_the_wheel_holds_the_package_its_types_and_one_native_module(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith(".dist-info/METADATA"))).decode()
    assert "covet/py.typed" in names
    assert "covet/__init__.py" in names
    assert "covet/_native.pyi" in names
    assert len([name for name in names if name.endswith(".so")]) == 1
    assert {name.split("/")[0].split("-")[0] for name in names} == {"covet", "covetpy"}
    assert "Requires-Dist" not in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert f"cp{sys.version_info.major}{sys.version_info.minor}-" in wheel.name


def test_the_installed_wheel_serves_outside_the_repository(installed: Path) -> None:
    where = run(installed / "venv" / "bin" / "python", "-c", "import covet; print(covet.__file__)", cwd=installed)
    assert Path(where.strip()).is_relative_to(installed)
    with serving(installed) as address, urlopen(address, timeout=10) as answer:
        assert answer.status == 200
        assert answer.read() == b'{"hello":"world"}'


def test_nothing_is_installed_beside_it(installed: Path) -> None:
    listed = run(installed / "venv" / "bin" / "python", "-m", "pip", "list", "--format=freeze", cwd=installed)
    assert [line for line in listed.splitlines() if not line.startswith(("pip==", "setuptools=="))] == [
        "covetpy==0.1.0"
    ]
