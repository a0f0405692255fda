"""Where things are and what has to be there: paths, the peers' environment, built yardsticks, versions.

It must not know workloads or measurements.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "benches" / "http" / "apps"
RESULTS = ROOT / "benches" / "results"
WORKSHOP = ROOT / ".bench"
PEERS_PYTHON = WORKSHOP / "venv" / "bin" / "python"
COVET = ROOT / ".venv" / "bin" / "covet"
COVET_PYTHON = ROOT / ".venv" / "bin" / "python"

REQUIREMENTS = ROOT / "requirements" / "bench.txt"

SHOWN = (
    "uvicorn",
    "uvloop",
    "httptools",
    "granian",
    "fastapi",
    "starlette",
    "litestar",
    "blacksheep",
    "robyn",
    "django-bolt",
    "weft-server",
    "orjson",
    "msgspec",
)


def output(*command: str | Path) -> str:
    """What a command printed, or nothing where it is missing or fails."""
    try:
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout + done.stderr).strip()


@functools.cache
def binary(name: str) -> str | None:
    """The path of a program, also where only root's PATH has it."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin:/usr/local/go/bin")


def newest_python() -> str:
    """The interpreter for the peers: 3.13 where present (all of them have wheels for it), else the repository's."""
    candidates = [shutil.which("python3.13"), *sorted(Path.home().glob(".pyenv/versions/3.13.*/bin/python3.13"))]
    for candidate in candidates:
        if candidate and output(candidate, "-c", "print('runs')") == "runs":
            return str(candidate)
    return str(COVET_PYTHON) if COVET_PYTHON.exists() else sys.executable


def make_peers() -> None:
    """Create `.bench/venv` with every peer; one that has no wheel here is left out and shown as absent."""
    stamp = WORKSHOP / "venv" / "bench.txt"
    wanted = REQUIREMENTS.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("making .bench/venv with the peers", flush=True)
    subprocess.run([newest_python(), "-m", "venv", str(WORKSHOP / "venv")], check=True)
    pip = [str(PEERS_PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for peer in wanted.splitlines():
        if not peer.startswith("#") and subprocess.run([*pip, peer], check=False).returncode:
            print(f"could not install {peer}: it is left out", file=sys.stderr)
    stamp.write_text(wanted)


def built(package: str) -> Path:
    """Build a Rust package of `benches/` (incremental) and say where its program is."""
    manifest = str(ROOT / "benches" / package / "Cargo.toml")
    command = [
        "cargo",
        "build",
        "--release",
        "--locked",
        "--quiet",
        "--message-format=json",
        "--manifest-path",
        manifest,
    ]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(WORKSHOP / "target")}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    for line in done.stdout.splitlines():
        executable = json.loads(line).get("executable")
        if executable:
            return Path(executable)
    message = f"cargo built {package} and named no executable"
    raise RuntimeError(message)


def go_server() -> Path | None:
    """Build the net/http server where Go is present."""
    go = binary("go")
    if not go:
        return None
    target = WORKSHOP / "gohttp"
    done = subprocess.run([go, "build", "-o", str(target), "."], cwd=APPS / "gohttp", check=False)
    return target if done.returncode == 0 else None


@functools.cache
def peer_versions() -> dict[str, str]:
    """Versions of the peers' distributions."""
    code = (
        "import sys, json, importlib.metadata as m\n"
        "found = {d.name.lower(): d.version for d in m.distributions()}\n"
        "print(json.dumps({n: found[n] for n in sys.argv[1:] if n in found}))"
    )
    text = output(PEERS_PYTHON, "-c", code, *SHOWN)
    return dict(json.loads(text)) if text.startswith("{") else {}


def versions() -> dict[str, str]:
    """Versions of everything that takes part."""
    found = {
        "covetpy": output(COVET_PYTHON, "-c", "import importlib.metadata as m; print(m.version('covetpy'))"),
        "commit": output("git", "-C", ROOT, "describe", "--always", "--dirty"),
        "python": output(COVET_PYTHON, "-c", "import platform; print(platform.python_version())"),
        "peers' python": output(PEERS_PYTHON, "-c", "import platform; print(platform.python_version())"),
        "rustc": output("rustc", "--version"),
        "nginx": output(binary("nginx") or "nginx", "-v").partition("nginx/")[2],
        "go": output(binary("go") or "go", "version").removeprefix("go version "),
        "wrk": output("wrk", "--version").partition("wrk ")[2].partition(" ")[0],
    }
    return {
        **{name: version for name, version in found.items() if version and "Traceback" not in version},
        **peer_versions(),
    }


ORJSON = """
import dataclasses, json, statistics, sys, timeit, orjson
from rows import ROWS
row = dataclasses.make_dataclass("Row", list(ROWS[0]))
found = {}
for name, value in (("rows", ROWS), ("rows_typed", [row(**each) for each in ROWS])):
    laps = timeit.repeat(lambda: orjson.dumps(value), number=2000, repeat=9)
    found[name] = statistics.median(laps) / 2000 * 1e6
print(json.dumps(found))
"""


def orjson_us() -> dict[str, float]:
    """Microseconds that orjson needs for the rows, as dicts and as dataclasses; empty where the peers are not there."""
    if not PEERS_PYTHON.exists():
        return {}
    done = subprocess.run([PEERS_PYTHON, "-c", ORJSON], cwd=APPS, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def machine() -> dict[str, str]:
    """What it ran on; no host name."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")),
        platform.machine(),
    )
    memory = Path("/proc/meminfo").read_text().splitlines()[0].split()[1] if Path("/proc/meminfo").exists() else "0"
    release = Path("/etc/os-release").read_text() if Path("/etc/os-release").exists() else ""
    system = next(
        (line.partition("=")[2].strip('"') for line in release.splitlines() if line.startswith("PRETTY_NAME")),
        platform.system(),
    )
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "memory": f"{round(int(memory) / 2**20)} GiB",
        "kernel": platform.release().partition("-")[0],
        "system": system,
    }
