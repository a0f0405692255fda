"""Run every test once, instrumented, and print one table of line coverage: the Python package and each crate.

Rust is counted over `cargo test` and pytest together: the crates and the extension are built with
`-C instrument-coverage`, both write to one folder of profiles, and `scripts/read_profiles` reads them.
Python is counted by coverage.py, worker processes included. Exits non-zero where a test fails or a share is
below the least allowed. Extra arguments go to pytest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "coverage"
PROFILES = FOLDER / "profiles"
LEAST = 85.0
CRATES = ("covet-server", "covet-py")
WRAPPER = ROOT / "scripts" / "read_profiles" / "instrument.sh"


@dataclass
class Share:
    """Covered lines of one part, and where the uncovered ones are."""

    name: str
    covered: int = 0
    lines: int = 0
    files: list[tuple[float, str, str]] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """The share; a part without code is covered."""
        return 100.0 * self.covered / self.lines if self.lines else 100.0

    def add(self, path: str, covered: int, lines: int, uncovered: str) -> None:
        """Count a file."""
        self.covered += covered
        self.lines += lines
        if covered < lines:
            self.files.append((100.0 * covered / lines, path, uncovered))


def instrumented() -> dict[str, str]:
    """The environment in which cargo builds instrumented crates and everything writes its profile."""
    return {
        **os.environ,
        "RUSTC_WORKSPACE_WRAPPER": str(WRAPPER),
        "PYO3_PYTHON": sys.executable,
        "LLVM_PROFILE_FILE": str(PROFILES / "%c%4m.profraw"),
        "COVERAGE_FILE": str(FOLDER / "python"),
    }


def libpython_is_there() -> bool:
    """Whether tests of covet-py can link an interpreter."""
    library = sysconfig.get_config_var("LDLIBRARY")
    folders = (sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LIBPL"))
    return any(library and folder and (Path(folder) / library).exists() for folder in folders)


def cargo(*arguments: str) -> list[str]:
    """Run cargo and return the executables and libraries that it made for this repository's crates."""
    command = ["cargo", *arguments, "--locked", "--message-format=json-render-diagnostics"]
    done = subprocess.run(command, cwd=ROOT, env=instrumented(), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"coverage: {' '.join(command)} failed")
    made = []
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and Path(message["manifest_path"]).is_relative_to(ROOT):
            made += (
                [message["executable"]]
                if message["executable"]
                else [name for name in message["filenames"] if name.endswith((".so", ".dylib"))]
            )
    return made


def rust_tests() -> list[list[str]]:
    """The arguments of each `cargo test`."""
    if libpython_is_there():
        return [["-p", "covet-server"], ["-p", "covet-py", "--no-default-features"]]
    print("coverage: no libpython to link: covet-py is covered by pytest alone", flush=True)
    return [["-p", "covet-server"]]


def install_extension() -> str:
    """Build the instrumented extension where `import covet` finds it; returns a copy that stays for reading."""
    extension = next(name for name in cargo("build", "-p", "covet-py", "--lib") if name.endswith((".so", ".dylib")))
    kept = FOLDER / "_native.so"
    shutil.copy2(extension, kept)
    installed = ROOT / "python" / "covet" / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"
    installed.unlink(missing_ok=True)
    shutil.copy2(extension, installed)
    for stamp in (ROOT / ".venv").glob(".built-*"):
        stamp.unlink()
    return str(kept)


def run_pytest(arguments: list[str]) -> tuple[bool, str]:
    """Run pytest under coverage.py, show its output as it comes, and keep its last line."""
    command = [sys.executable, "-m", "coverage", "run", "-m", "pytest", *arguments]
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=instrumented(), stdout=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode == 0, last


def python_share() -> Share:
    """What coverage.py counted, all processes combined."""
    share = Share("covet (Python)")
    environment = instrumented()
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet"], cwd=ROOT, env=environment, check=False)
    report = FOLDER / "python.json"
    subprocess.run(
        [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)], cwd=ROOT, env=environment, check=False
    )
    if not report.exists():
        return share
    for path, found in json.loads(report.read_text())["files"].items():
        summary = found["summary"]
        share.add(path, summary["covered_lines"], summary["num_statements"], ranges(found["missing_lines"]))
    return share


def ranges(lines: list[int]) -> str:
    """`[3, 7, 8, 9]` as `3, 7-9`."""
    found: list[list[int]] = []
    for line in lines:
        if found and found[-1][1] + 1 == line:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def crate_shares(objects: list[str]) -> list[Share]:
    """What the profiles say about each crate."""
    environment = {name: value for name, value in os.environ.items() if name != "RUSTC_WORKSPACE_WRAPPER"}
    manifest = str(ROOT / "scripts" / "read_profiles" / "Cargo.toml")
    command = [
        "cargo",
        "run",
        "--quiet",
        "--locked",
        "--manifest-path",
        manifest,
        "--",
        str(ROOT / "crates"),
        str(PROFILES),
        *objects,
    ]
    printed = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    shares = {crate: Share(f"{crate} (Rust)") for crate in CRATES}
    for line in printed.splitlines():
        path, covered, lines, uncovered = line.split("\t")
        inside = Path(path).relative_to(ROOT / "crates")
        # A file `tests.rs` is declared under `#[cfg(test)]`: it is no code that could be covered.
        if "src" in inside.parts and inside.name != "tests.rs":
            shares[inside.parts[0]].add(str(Path("crates") / inside), int(covered), int(lines), uncovered)
    return list(shares.values())


def main() -> int:
    """Build, test, count, judge."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    PROFILES.mkdir(parents=True)
    tests = rust_tests()
    objects = [
        name
        for arguments in tests
        for name in cargo("test", "--no-run", *arguments)
        if not name.endswith((".so", ".dylib", ".rlib"))
    ]
    extension = install_extension()
    passed = True
    for test in tests:
        command = ["cargo", "test", "--quiet", "--locked", *test]
        environment = instrumented()
        # Tests of covet-py link libpython, which may lie where the loader does not look.
        environment["LD_LIBRARY_PATH"] = str(sysconfig.get_config_var("LIBDIR"))
        passed &= subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    pytest_passed, summary = run_pytest(sys.argv[1:])
    passed &= pytest_passed
    shares = [python_share(), *crate_shares([*objects, extension])]
    print("\nleast covered files")
    for percent, path, uncovered in sorted(entry for share in shares for entry in share.files)[:25]:
        print(f"{percent:6.1f}%  {path}: {uncovered[:110]}")
    print(f"\n{'line coverage':24}{'covered':>9}{'lines':>9}{'share':>9}")
    for share in shares:
        verdict = "" if share.percent >= LEAST else f"  below {LEAST:g}%"
        print(f"{share.name:24}{share.covered:9}{share.lines:9}{share.percent:8.1f}%{verdict}")
    enough = all(share.percent >= LEAST for share in shares)
    print(
        f"coverage: {'enough' if enough else 'not enough'}; Rust and Python tests: {'passed' if passed else 'FAILED'}"
    )
    print(summary, flush=True)
    return 0 if passed and enough else 1


if __name__ == "__main__":
    sys.exit(main())
