"""The command line of `covet run`: what is read, what is refused, and what a worker is told."""

import pytest

from covet.launch import Assignment, UsageError, options, parse
from covet.settings import described


def test_defaults() -> None:
    launch = parse(["app:main"])
    assert (launch.app, launch.app_dir, launch.factory) == ("app:main", ".", False)
    assert (launch.hosts, launch.port, launch.uds, launch.uds_mode) == (["127.0.0.1"], 8000, None, 0o660)
    assert (launch.workers, launch.log_level, launch.settings, launch.fds) == (None, "info", {}, [])
    assert launch.loop == "covet"
    assert (launch.backlog, launch.drain_timeout) == (2048, 30.0)


def test_everything_said() -> None:
    words = (
        "--host :: --host=0.0.0.0 --port 0 --workers 4 app:make --factory --app-dir src --log-level debug --access-log"
    )
    launch = parse(words.split())
    assert (launch.app, launch.app_dir, launch.factory) == ("app:make", "src", True)
    assert (launch.hosts, launch.port, launch.workers, launch.log_level) == (["::", "0.0.0.0"], 0, 4, "debug")
    assert launch.settings == {"access_log": True}


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("--head-timeout 2", "head_timeout", 2.0),
        ("--keep-alive=0.5", "keep_alive", 0.5),
        ("--max-body 64KB", "max_body", 64000),
        ("--max-body 4096", "max_body", 4096),
        ("--max-body none", "max_body", None),
        ("--max-connections-per-address none", "max_connections_per_address", None),
        ("--max-fields 7", "max_fields", 7),
        ("--half-close", "half_close", True),
        ("--trusted-proxies 10.0.0.0/8,unix", "trusted_proxies", ("10.0.0.0/8", "unix")),
        ("--trusted-proxies 127.0.0.1", "trusted_proxies", ("127.0.0.1/32",)),
        ("--forwarded-fields forwarded", "forwarded_fields", "forwarded"),
        ("--access-log-format json", "access_log_format", "json"),
        ("--access-log-format=%h%>s%%%{X-A}i%{b}o", "access_log_format", "%h%>s%%%{X-A}i%{b}o"),
        ("--access-log-sample 0.1", "access_log_sample", 0.1),
        ("--access-log-sample 1", "access_log_sample", 1.0),
        ("--proxy-protocol", "proxy_protocol", True),
        ("--request-id", "request_id", True),
        ("--slow-request 1.5", "slow_request", 1.5),
        ("--slow-request none", "slow_request", None),
        ("--copy-files", "copy_files", True),
        ("--drain-delay 5", "drain_delay", 5.0),
        ("--tcp-user-timeout none", "tcp_user_timeout", None),
        ("--worker-timeout 60", "worker_timeout", 60.0),
        ("--worker-timeout none", "worker_timeout", None),
        ("--max-requests 1000", "max_requests", 1000),
        ("--max-age 3600", "max_age", 3600.0),
        ("--max-rss 512MiB", "max_rss", 512 * 1024 * 1024),
        ("--pin-workers", "pin_workers", True),
        ("--access-log-file log/access", "access_log_file", "log/access"),
        ("--access-log-file -", "access_log_file", "-"),
        ("--backlog 16", "backlog", 16),
        ("--drain-timeout 1", "drain_timeout", 1.0),
        ("--switch-interval 0.001", "switch_interval", 0.001),
    ],
)
def test_settings_are_options(words: str, name: str, value: object) -> None:
    assert parse(["app:main", *words.split()]).settings == {name: value}


def test_every_setting_but_debug_is_an_option() -> None:
    flags = {spelling.split()[0] for spelling, _ in options()}
    assert {"--" + setting.name.replace("_", "-") for setting in described()} - flags == {"--debug"}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", "no application: write `covet run module:attribute`, as `covet run app:main`"),
        ("app:main other:main", "two applications, 'app:main' and 'other:main': give one"),
        ("app:main --prot 80", "unknown option --prot: did you mean --port?"),
        ("app:main --zzz", "unknown option --zzz: `covet run --help` lists them"),
        ("app:main --debug", "unknown option --debug: "),
        ("app:main --port", "--port needs a value"),
        ("app:main --port eighty", "--port is 'eighty': write a whole number from 0 to 65535"),
        ("app:main --port 65536", "--port is 65536: write a whole number from 0 to 65535"),
        ("app:main --workers -1", "--workers is -1: write a whole number from 0 to 1024"),
        ("app:main --uds-mode 888", "--uds-mode is '888': write a whole number from 0 to 777"),
        ("app:main --factory=yes", "--factory takes no value"),
        ("app:main --half-close=yes", "--half-close takes no value"),
        ("app:main --loop trio", "--loop is 'trio': write one of covet, asyncio, uvloop"),
        ("app:main --log-level loud", "--log-level is 'loud': write one of critical, error, warning, info, debug"),
        ("app:main --fd 3 --port 80", "--fd stands instead of --host, --port and --uds: give one kind"),
        ("app:main --fd three", "--fd is 'three': write a whole number from 0 to 2147483647"),
        ("app:main --access-log-file=", "--access-log-file is '': write the path of a file"),
        ("app:main --uds /s --port 80", "--uds stands instead of --host and --port: give one kind"),
        ("app:main --head-timeout soon", "--head-timeout is 'soon': write a number of seconds above 0, or a timedelta"),
        ("app:main --max-fields many", "--max-fields is 'many': write a whole number from 1"),
        ("app:main --trusted-proxies *", "--trusted-proxies has '*': write an address, "),
        ("app:main --forwarded-fields all", "--forwarded-fields is 'all': write one of any, x-forwarded, forwarded"),
        ("app:main --access-log-format %", "--access-log-format is '%': write text, json, "),
        ("app:main --access-log-sample 2", "--access-log-sample is 2.0: write a number above 0 "),
        ("app:main --access-log-sample all", "--access-log-sample is 'all': write a number above 0 "),
        ("app:main --threads 0", "threads is 0: a worker has at least one"),
        ("app:main --threads two", "--threads is 'two': write a whole number from 0 to 1024"),
        ("app:main --threads 2 --pin-workers", "--pin-workers keeps a worker to one processor"),
        ("app:main --max-body 1TB", "--max-body is '1TB': write a whole number of bytes from 1, "),
    ],
)
def test_refused(words: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words.split())
    assert str(caught.value).startswith(text)


def test_assignment_survives_the_command_line() -> None:
    part = Assignment(10, 5, -1, 1, 2, 8, 3, 4)
    (word,) = part.words()
    twin = Assignment.parse(word)
    assert (twin.parent, twin.ready, twin.board, twin.slot, twin.slots) == (10, 5, -1, 1, 2)
    assert (twin.threads, twin.listeners) == (8, [3, 4])


def test_reloading_turns_debug_on_and_lets_idle_connections_go() -> None:
    launch = parse(["app:main", "--reload"], {})
    assert launch.settings == {"drain_quiet": 0.05, "debug": True}
    assert parse(["app:main", "--reload", "--drain-quiet", "2"], {}).settings["drain_quiet"] == 2.0
    assert parse(["app:main", "--no-reload"], {"COVET_RELOAD": "1"}).settings == {}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_reloading_has_one_worker(workers: str) -> None:
    assert parse(["app:main", "--reload"], {"COVET_WORKERS": workers}).workers == 1
    assert parse(["app:main", "--reload", "--workers", "1"], {}).workers == 1
    with pytest.raises(UsageError, match="--reload has one worker: leave --workers out"):
        parse(["app:main", "--reload", "--workers", workers], {})
