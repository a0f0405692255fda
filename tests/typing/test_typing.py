"""The API as a type checker sees it: good/ is clean, and every line of bad/ marked `# E:` is an error, in both checkers."""

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parents[1] / "python"
GOOD = sorted((HERE / "good").glob("*.py"))
BAD = sorted((HERE / "bad").glob("*.py"))
# Rules about tidiness or missing types: in good/ they count, as proof of a caught misuse they do not.
NOISE = re.compile(r"reportUn(used|known|typed)\w*|untyped-decorator|no-any-return")
Errors = dict[tuple[str, int], list[str]]


def run_mypy(files: list[Path], scratch: Path) -> Errors:
    """Errors of mypy --strict, by file and line."""
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", "--cache-dir", str(scratch)]
    command += ["--config-file", "", *map(str, files)]
    environment = {"MYPYPATH": str(PACKAGE), "NO_COLOR": "1", "PATH": ""}
    ran = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    assert ran.stdout.strip(), ran.stderr
    found: Errors = {}
    for line in ran.stdout.splitlines():
        match = re.match(r"(.+?):(\d+)(?::\d+)?: error: (.*)", line)
        if match:
            found.setdefault((Path(match[1]).name, int(match[2])), []).append(match[3])
    return found


def run_pyright(files: list[Path], scratch: Path) -> Errors:
    """Errors of pyright in strict mode, by file and line."""
    for file in files:
        (scratch / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    config = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "extraPaths": [str(PACKAGE)]}
    config |= {"include": [file.name for file in files], "reportMissingModuleSource": False}
    (scratch / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(scratch), "--pythonpath", sys.executable]
    ran = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
    report = json.loads(ran.stdout)
    assert report["summary"]["filesAnalyzed"] == len(files), ran.stdout
    found: Errors = {}
    for item in report["generalDiagnostics"]:
        if item["severity"] == "error":
            place = (Path(item["file"]).name, item["range"]["start"]["line"] + 1)
            found.setdefault(place, []).append(f"{item['message']} [{item.get('rule', 'syntax')}]")
    return found


CHECKERS = {"mypy": run_mypy, "pyright": run_pyright}


@pytest.fixture(params=CHECKERS)
def checker(request: pytest.FixtureRequest) -> str:
    """A checker that is installed."""
    name = str(request.param)
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


def test_good_programs_are_clean(checker: str, tmp_path: Path) -> None:
    assert CHECKERS[checker](GOOD, tmp_path) == {}


def test_marked_lines_are_errors_and_no_others(checker: str, tmp_path: Path) -> None:
    found = CHECKERS[checker](BAD, tmp_path)
    proof = {
        place for place, messages in found.items() if any(not NOISE.search(m.rsplit("[", 1)[-1]) for m in messages)
    }
    marked = {
        (file.name, number)
        for file in BAD
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if "# E:" in line
    }
    assert sorted(marked - proof) == []
    assert sorted(proof - marked) == []
