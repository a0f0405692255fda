"""The contestants: how each is started with one worker, and what it can do.

A workload that a server has no means for (typed parameters on a raw ASGI app) is shown as such, never emulated.
It must not know how anything is measured.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benches.http import environment
from benches.http.environment import APPS, COVET, PEERS_PYTHON, WORKSHOP, binary
from benches.http.processes import HOST
from benches.http.workloads import FILE, WORKLOADS, Workload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

EVERYTHING = frozenset(WORKLOADS)
STATIC = WORKSHOP / "static"
"""The directory of files that is served."""
UNROUTED = frozenset(
    {"text", "json", "rows", "sleep0", "sleep1ms", "pool", "pool_yields", "stream", "connections", "pipelined"}
)
UPLOADS = WORKSHOP / "uploads"
"""Where servers keep the files that are uploaded."""


@dataclass(frozen=True)
class Server:
    """One contestant."""

    name: str
    role: str
    """covet, yardstick, server (runs a raw application) or framework."""
    command: Callable[[int, Workload], list[str]]
    can: frozenset[str] = EVERYTHING
    cwd: Path = APPS
    environment: Mapping[str, str] = field(default_factory=dict)
    absent: str = ""
    """Why it cannot take part on this machine, where it cannot."""
    why_not: str = "no router, typed parameters or forms"
    """Why it does not do the workloads that it does not do."""

    def variables(self, workload: Workload) -> dict[str, str]:
        """The environment variables of a start."""
        return {
            "BENCH_ROUTES": str(workload.routes),
            "BENCH_STATIC": str(STATIC),
            "TMPDIR": str(UPLOADS),
            "PYTHONDONTWRITEBYTECODE": "",
            **self.environment,
        }


DRIVER_TARGETS = {
    "asyncio": {"text": 1.1, "json": 1.1, "sleep0": 1.1, "sleep1ms": 1.1},
    "uvloop": {"text": 1.15, "json": 1.15, "sleep0": 1.3, "sleep1ms": 1.3},
}
"""The most that CovetPy may cost on another event loop against its own, by loop and workload."""

NGINX = """
daemon off; worker_processes 1; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.error.log;
events {{ worker_connections 16384; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; keepalive_timeout 75s; tcp_nodelay on;
  client_body_temp_path {folder}/nginx-body; proxy_temp_path {folder}/nginx-proxy; fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi; scgi_temp_path {folder}/nginx-scgi;
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location = /text {{ default_type "text/plain; charset=utf-8"; return 200 "Hello, World!"; }}
    location = /json {{ default_type application/json; return 200 '{{"hello":"world"}}'; }}
    location /static/ {{ alias {static}/; }}
    location = /stream {{ alias {static}/large.bin; sendfile off; output_buffers 2 64k; }}
    client_max_body_size 0; client_body_buffer_size 64k;
    location = /form {{ client_body_in_file_only clean; proxy_pass http://127.0.0.1:{port}/uploaded; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_method GET; proxy_http_version 1.1; proxy_set_header Connection ""; }}
    location = /uploaded {{ default_type application/json; return 200 '{{"bytes":10485760}}'; }}
  }}
}}
"""


def covet_command(port: int, workers: int = 0, app: str = "covet_app", *more: str) -> list[str]:
    """How CovetPy is started; `workers` 0 runs in the calling process."""
    return [str(COVET), "run", f"{app}:main", "--workers", str(workers), "--host", HOST, "--port", str(port), *more]


def covet_on(loop: str) -> Server:
    """CovetPy with its engine driven by another event loop."""
    return Server(
        f"covet, {loop}",
        "covet",
        lambda port, _: covet_command(port, 0, "covet_app", "--loop", loop),
        can=frozenset(DRIVER_TARGETS[loop]),
        absent="" if COVET.exists() else "not built: make build",
        why_not="measured where the driver makes a difference",
    )


def nginx_command(port: int, _: Workload) -> list[str]:
    """Write the configuration for a port; nginx is started in the foreground, one process."""
    configuration = WORKSHOP / "nginx.conf"
    configuration.write_text(NGINX.format(folder=WORKSHOP, static=STATIC, port=port))
    return [binary("nginx") or "nginx", "-c", str(configuration), "-e", str(WORKSHOP / "nginx.error.log")]


def module(name: str, *arguments: str) -> list[str]:
    """A program of the peers' environment, started as its module."""
    return [str(PEERS_PYTHON), "-m", name, *arguments]


def uvicorn(app: str) -> Callable[[int, Workload], list[str]]:
    """Uvicorn with its fast parts, no access log."""
    options = ("--host", HOST, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    return lambda port, _: module("uvicorn", f"{app}:main", *options, "--port", str(port))


def granian(interface: str, app: str, *more: str) -> Callable[[int, Workload], list[str]]:
    """Granian with one worker and one runtime thread."""
    options = (
        "--interface",
        interface,
        "--host",
        HOST,
        "--workers",
        "1",
        "--runtime-threads",
        "1",
        "--http",
        "1",
        "--no-ws",
        "--log-level",
        "warning",
        *more,
    )
    return lambda port, _: module("granian", *options, "--port", str(port), f"{app}:main")


def weft(app: str) -> Callable[[int, Workload], list[str]]:
    """Weft with one worker."""
    options = ("--host", HOST, "--workers", "1", "--log-level", "warning", "--no-auto-venv")
    program = str(PEERS_PYTHON.parent / "weft")
    return lambda port, _: [program, *options, "--port", str(port), f"{app}:main"]


def contestants(floor: Path, gohttp: Path | None) -> dict[str, Server]:
    """Every contestant by name, in the order in which they take turns."""
    present = environment.peer_versions()
    STATIC.mkdir(parents=True, exist_ok=True)
    UPLOADS.mkdir(parents=True, exist_ok=True)
    (STATIC / "large.bin").write_text(FILE)

    def lacking(*peers: str) -> str:
        return "".join(f"{peer} is not installable here" for peer in peers if peer not in present)

    def floor_command(port: int, workload: Workload) -> list[str]:
        if workload.floor == "text":
            return [str(floor), str(port), "text"]
        body = WORKSHOP / f"{workload.name}.json"
        body.write_text(workload.payload)
        return [str(floor), str(port), "closing" if workload.closes else workload.floor, str(body)]

    listed = (
        Server(
            "floor",
            "yardstick",
            floor_command,
            can=EVERYTHING - {"static"},
            why_not="only constant answers; nginx is the yardstick",
        ),
        Server(
            "covet",
            "covet",
            lambda port, _: covet_command(port),
            absent="" if COVET.exists() else "not built: make build",
        ),
        *map(covet_on, DRIVER_TARGETS),
        Server(
            "nginx",
            "yardstick",
            nginx_command,
            can=frozenset({"text", "json", "static", "stream", "upload", "connections", "pipelined"}),
            absent="" if binary("nginx") else "nginx is not installed",
            why_not="only constant answers and files",
        ),
        Server(
            "go net/http",
            "yardstick",
            lambda port, _: [str(gohttp), str(port)],
            can=EVERYTHING - {"pool", "pool_yields", "post", "rows", "rows_typed"},
            environment={"GOMAXPROCS": "1"},
            absent="" if gohttp else "go is not installed",
            why_not="has no pool: every handler may block",
        ),
        Server(
            "uvicorn, raw ASGI",
            "server",
            uvicorn("asgi_app"),
            can=UNROUTED,
            absent=lacking("uvicorn", "uvloop", "httptools"),
        ),
        Server(
            "granian, RSGI",
            "server",
            granian(
                "rsgi",
                "rsgi_app",
                "--loop",
                "uvloop",
                "--static-path-route",
                "/static",
                "--static-path-mount",
                str(STATIC),
            ),
            can=UNROUTED | {"static"},
            absent=lacking("granian", "uvloop"),
        ),
        Server(
            "granian, WSGI",
            "server",
            granian("wsgi", "wsgi_app"),
            can=frozenset({"text", "json", "rows", "pool", "pool_yields", "stream", "connections", "pipelined"}),
            absent=lacking("granian"),
            why_not="WSGI cannot await and has no router",
        ),
        Server("weft, raw ASGI", "server", weft("asgi_app"), can=UNROUTED, absent=lacking("weft-server")),
        Server(
            "django-bolt",
            "framework",
            lambda port, _: [
                str(PEERS_PYTHON),
                "manage.py",
                "runbolt",
                "--host",
                HOST,
                "--port",
                str(port),
                "--processes",
                "1",
                "--workers",
                "1",
                "--no-admin",
                "--skip-checks",
            ],
            cwd=APPS / "bolt",
            can=EVERYTHING - {"static", "stream", "upload"},
            why_not="serves no files in production; keeps uploads in memory",
            environment={"PYTHONPATH": str(APPS)},
            absent=lacking("django-bolt"),
        ),
        Server(
            "robyn",
            "framework",
            lambda port, _: [
                str(PEERS_PYTHON),
                "robyn_app.py",
                str(port),
                "--processes",
                "1",
                "--workers",
                "1",
                "--log-level",
                "ERROR",
                "--disable-openapi",
            ],
            can=EVERYTHING - {"post", "rows_typed", "stream", "upload"},
            absent=lacking("robyn"),
            why_not="does not validate bodies; keeps uploads in memory",
        ),
        Server(
            "blacksheep",
            "framework",
            uvicorn("blacksheep_app"),
            can=EVERYTHING - {"upload"},
            why_not="keeps uploads in memory",
            absent=lacking("blacksheep", "uvicorn"),
        ),
        Server("litestar", "framework", uvicorn("litestar_app"), absent=lacking("litestar", "uvicorn")),
        Server(
            "starlette",
            "framework",
            uvicorn("starlette_app"),
            can=EVERYTHING - {"post", "rows_typed"},
            absent=lacking("starlette", "uvicorn"),
            why_not="does not validate bodies",
        ),
        Server("fastapi", "framework", uvicorn("fastapi_app"), absent=lacking("fastapi", "uvicorn")),
    )
    return {server.name: server for server in listed}
