"""Settings from files and the environment: every one takes effect from everywhere, and what is nearer counts."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from covet._failed import is_secret
from covet._setting import Setting
from covet.cli import main
from covet.launch import UsageError, parse
from covet.options import CORE, every
from covet.settings import ServerSettings, described

SAMPLES = {
    "app": ("shop:main", "shop:main"),
    "host": ("::1, 127.0.0.1", ("::1", "127.0.0.1")),
    "uds": ("/run/shop.sock", "/run/shop.sock"),
    "fd": ("3, 4", (3, 4)),
    "access_log_file": ("requests.log", "requests.log"),
    "reload_dir": ("src, lib", ("src", "lib")),
    "reload_include": ("*.html", ("*.html",)),
    "reload_exclude": ("tests", ("tests",)),
    "uds_mode": ("600", 0o600),
    "app_dir": ("src", "src"),
    "loop": ("asyncio", "asyncio"),
    "log_level": ("debug", "debug"),
    "trusted_proxies": ("10.0.0.0/8,unix", ("10.0.0.0/8", "unix")),
    "forwarded_fields": ("forwarded", "forwarded"),
    "access_log_format": ("json", "json"),
    "max_body": ("64KB", 64000),
}
"""As a text, and what it becomes; of the others a number or `true`, as their units have it."""
BY_UNIT = {
    "number": ("7", 7),
    "count": ("7", 7),
    "count from 0": ("7", 7),
    "bytes": ("4097", 4097),
    "bytes a second": ("7", 7),
    "seconds": ("1.5", 1.5),
    "share": ("0.25", 0.25),
    "switch": ("true", True),
}
SETTINGS = list(every())


def sample(setting: Setting) -> tuple[str, object]:
    return SAMPLES.get(setting.name) or BY_UNIT[setting.unit]


def as_toml(setting: Setting) -> str:
    """The sample as a file says it, by its type where TOML has one."""
    text, value = sample(setting)
    if setting.name == "fd":
        return f"[{text}]"
    if setting.unit in ("names", "list"):
        return "[" + ", ".join(f'"{name.strip()}"' for name in text.split(",")) + "]"
    return f'"{text}"' if isinstance(value, str) or setting.unit in ("mode", "bytes") else text


def value_of(name: str, environment: dict[str, str], words: tuple[str, ...] = ()) -> object:
    """What a worker has of one setting: its engine gets ServerSettings, the rest is the launch's."""
    launch = parse(list(words), environment, needs_app=False)
    if name in {setting.name for setting in CORE}:
        return getattr(launch, name)
    needed = {"max_concurrency": 9} if name == "queue" else {}
    return getattr(ServerSettings(**{**needed, **launch.settings}), name)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_setting_is_here() -> None:
    assert {setting.name for setting in described()} - {setting.name for setting in SETTINGS} == {"debug"}
    assert {setting.name for setting in CORE} <= {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_takes_effect_from_everywhere(setting: Setting, tmp_path: Path) -> None:
    text, value = sample(setting)
    assert setting.default != value
    assert value_of(setting.name, {}) == setting.default
    assert value_of(setting.name, {setting.variable: text}) == value
    (tmp_path / "pyproject.toml").write_text(
        f"[project]\nname='a'\n[tool.covet]\n{setting.name} = {as_toml(setting)}\n"
    )
    assert value_of(setting.name, {}) == value
    (tmp_path / "covet.toml").write_text(f"{setting.name} = {as_toml(setting)}\n")
    (tmp_path / "pyproject.toml").unlink()
    assert value_of(setting.name, {}) == value


@pytest.mark.parametrize(
    ("files", "environment", "words", "value", "origin"),
    [
        ({}, {}, "", 75.0, None),
        ({"pyproject.toml": "[tool.covet]\nkeep_alive = 1"}, {}, "", 1.0, "pyproject.toml:2"),
        ({"pyproject.toml": "tool.covet.keep_alive = 1"}, {}, "", 1.0, "pyproject.toml"),
        ({"pyproject.toml": "[ tool . 'covet' ]\n\n'keep_alive' = 1"}, {}, "", 1.0, "pyproject.toml"),
        ({"pyproject.toml": "[tool]\ncovet = {keep_alive = 1}"}, {}, "", 1.0, "pyproject.toml"),
        ({"pyproject.toml": "[tool.covetous]\nkeep_alive = 1"}, {}, "", 75.0, None),
        ({"pyproject.toml": "[project]\ndependencies = ['covetpy']"}, {}, "", 75.0, None),
        ({"pyproject.toml": "this is no TOML"}, {}, "", 75.0, None),
        (
            {"pyproject.toml": "[tool.covet]\nkeep_alive = 1", "covet.toml": "linger = 1\nkeep_alive = 2"},
            {},
            "",
            2.0,
            "covet.toml:2",
        ),
        (
            {"covet.toml": "keep_alive = 2", "other.toml": "keep_alive = 3"},
            {},
            "--config other.toml",
            3.0,
            "other.toml:1",
        ),
        (
            {"covet.toml": "keep_alive = 2", "other.toml": "keep_alive = 3"},
            {"COVET_CONFIG": "other.toml"},
            "",
            3.0,
            "other.toml:1",
        ),
        ({"a.toml": "", "b.toml": "keep_alive = 3"}, {"COVET_CONFIG": "a.toml"}, "--config=b.toml", 3.0, "b.toml:1"),
        ({"covet.toml": "keep_alive = 2"}, {"COVET_KEEP_ALIVE": "4"}, "", 4.0, "COVET_KEEP_ALIVE"),
        ({"covet.toml": "keep_alive = 2"}, {"COVET_KEEP_ALIVE": "4"}, "--keep-alive 5", 5.0, "--keep-alive"),
    ],
)
def test_what_is_nearer_counts(
    tmp_path: Path, files: dict[str, str], environment: dict[str, str], words: str, value: object, origin: str | None
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    launch = parse(words.split(), environment, needs_app=False)
    assert ServerSettings(**launch.settings).keep_alive == value
    given = launch.given.get("keep_alive")
    assert (None if given is None else given.origin) == origin


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES", True), ("on", True), ("0", False), ("off", False)])
def test_switches_as_texts(text: str, value: bool) -> None:
    assert value_of("half_close", {"COVET_HALF_CLOSE": text}) is value


def test_a_switch_is_turned_off_where_a_file_turned_it_on(tmp_path: Path) -> None:
    (tmp_path / "covet.toml").write_text("access_log = true\nfactory = true\nmax_body = 'none'\n")
    assert value_of("access_log", {}) is True
    assert value_of("access_log", {}, ("--no-access-log",)) is False
    assert value_of("factory", {"COVET_FACTORY": "false"}) is False
    assert value_of("max_body", {}) is None


@pytest.mark.parametrize(
    ("file", "environment", "words", "uds", "port"),
    [
        ("uds = '/s'", {}, "--port 1", None, 1),
        ("uds = '/s'", {"COVET_PORT": "1"}, "", None, 1),
        ("port = 1", {}, "--uds /s", "/s", 8000),
        ("port = 1", {"COVET_UDS": "/s"}, "", "/s", 8000),
        ("port = 1\nfd = 3", {"COVET_UDS": "/s"}, "", "/s", 8000),
        ("uds = '/s'", {"COVET_UDS": ""}, "", None, 8000),
    ],
)
def test_the_nearer_kind_of_address_counts(
    tmp_path: Path, file: str, environment: dict[str, str], words: str, uds: str | None, port: int
) -> None:
    (tmp_path / "covet.toml").write_text(file)
    launch = parse(words.split(), environment, needs_app=False)
    assert (launch.uds, launch.port) == (uds, port)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("\nprot = 1", "covet.toml:2: unknown setting 'prot': did you mean port?"),
        ("head-timeout = 1", "covet.toml:1: unknown setting 'head-timeout': did you mean head_timeout?"),
        ("zzz = 1", "covet.toml:1: unknown setting 'zzz': `covet config` lists them"),
        ("debug = true", "covet.toml:1: unknown setting 'debug': it is the application's: write Covet(debug=True)"),
        ("[server]\nport = 1", "covet.toml: unknown setting 'server': "),
        ("port = '80'", "covet.toml:1: port is '80': write a whole number from 0 to 65535"),
        ("port = true", "covet.toml:1: port is True: write a whole number from 0 to 65535"),
        ("workers = 1.5", "covet.toml:1: workers is 1.5: write a whole number from 0 to 1024"),
        ("uds_mode = 660", 'covet.toml:1: uds_mode is 660: write a whole number from 0 to 777, as "660"'),
        ("half_close = 'true'", "covet.toml:1: half_close is 'true': write true or false"),
        ("fd = [3, 'a']", "covet.toml:1: fd is [3, 'a']: write a whole number from 0 to 2147483647"),
        ("fd = 3\nuds = '/s'", "--fd stands instead of --host, --port and --uds: give one kind"),
        ("host = []", "covet.toml:1: host is []: write one name, or a list of them"),
        ("app = 3", "covet.toml:1: app is 3: write a text"),
        ("log_level = 'loud'", "covet.toml:1: log_level is 'loud': write one of critical, "),
        ("keep_alive = 0", "covet.toml:1: keep_alive is 0: write a number of seconds above 0"),
        ("trusted_proxies = ['x']", "covet.toml:1: trusted_proxies has 'x': write an address, "),
        ("uds = '/s'\nport = 1", "--uds stands instead of --host and --port: give one kind"),
        ("port =", "covet.toml: Invalid value (at "),
        ("port = 1\xff", "covet.toml: "),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / "covet.toml").write_bytes(file.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        parse(["app:main"], {})
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("environment", "text"),
    [
        ({"COVET_PROT": "1"}, "unknown variable COVET_PROT: did you mean COVET_PORT?"),
        ({"COVET_Port": "1"}, "unknown variable COVET_Port: did you mean COVET_PORT?"),
        ({"COVET_ZZZ": "1"}, "unknown variable COVET_ZZZ: `covet config` lists them"),
        ({"COVET_DEBUG": "1"}, "unknown variable COVET_DEBUG: it is the application's: write Covet(debug=True)"),
        ({"COVET_PORT": ""}, "COVET_PORT is '': write a whole number from 0 to 65535"),
        ({"COVET_WORKERS": "many"}, "COVET_WORKERS is 'many': write a whole number from 0 to 1024, or auto"),
        ({"COVET_HOST": ""}, "COVET_HOST is ['']: write one name, or a list of them"),
        ({"COVET_FACTORY": "maybe"}, "COVET_FACTORY is 'maybe': write true or false"),
        ({"COVET_KEEP_ALIVE": "soon"}, "COVET_KEEP_ALIVE is 'soon': write a number of seconds above 0"),
        ({"COVET_PORT": "tcp://10.0.0.1:80"}, "COVET_PORT is 'tcp://10.0.0.1:80': Kubernetes sets it for a service "),
        ({"COVET_SERVICE_HOST": "10.0.0.1"}, "COVET_SERVICE_HOST is '10.0.0.1': Kubernetes sets it for a service "),
        ({"COVET_CONFIG": "none.toml"}, "cannot read none.toml: No such file or directory"),
    ],
)
def test_mistakes_in_the_environment(environment: dict[str, str], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(["app:main"], environment)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.covet]\nprot = 1", "pyproject.toml:2: unknown setting 'prot': did you mean port?"),
        ("[tool]\ncovet = 3", "pyproject.toml: tool.covet is 3: write a table [tool.covet]"),
        ("[project]", "pyproject.toml has no table [tool.covet]: write one, or name another file"),
    ],
)
def test_mistakes_in_a_projects_file(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        parse(["app:main", "--config", "pyproject.toml"], {})
    assert str(caught.value) == words


@pytest.mark.parametrize("words", ["--uds /s --workers 0", "--fd 3 --workers auto", "--host a --max-body 7"])
def test_the_list_keeps_where_to_listen(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str) -> None:
    assert main(["config", *words.split()]) == 0
    (tmp_path / "covet.toml").write_text(capsys.readouterr().out)
    asked, read = parse(words.split(), {}, needs_app=False), parse([], {}, needs_app=False)
    for name in ("host", "port", "uds", "fd", "workers"):
        assert getattr(asked, name) == getattr(read, name), name


def test_the_list_is_a_file_that_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "covet.toml").write_text(
        "port = 1\nmax_body = 'none'\nhost = ['::1', 'a']\naccess_log_format = '%h \"\\'\n"
    )
    assert main(["config", "shop:main", "--keep-alive", "5"]) == 0
    first = capsys.readouterr().out
    rows = {line.split()[0]: line for line in first.splitlines() if not line.startswith("#")}
    assert rows["port"].split("#")[1].split(maxsplit=1) == ["covet.toml:1", "port to listen on, 0 for a free one"]
    assert "# --keep-alive " in rows["keep_alive"]
    assert rows["app"].startswith('app = "shop:main" ')
    assert "# default " in rows["workers"]
    (tmp_path / "covet.toml").write_text(first)
    assert main(["run", "--print-config"]) == 0
    second = capsys.readouterr().out
    assert tomllib.loads(second) == tomllib.loads(first)


def test_the_list_masks_what_lets_somebody_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = [
        Setting("upstream_token", "text", "hunter2", "what a proxy says"),
        Setting("token_file", "path", "/run/token", "where it is"),
    ]
    monkeypatch.setattr("covet.cli.config.every", lambda: iter(settings))
    assert main(["config"]) == 0
    printed = capsys.readouterr().out
    assert "hunter2" not in printed
    assert printed.startswith("# upstream_token = ****")
    assert 'token_file = "/run/token"' in printed
    assert tomllib.loads(printed) == {"token_file": "/run/token"}


def test_no_setting_holds_a_secret() -> None:
    """docs/configuration.md says so. Where one comes, messages about a value that does not fit must not show it."""
    assert [each.name for each in every() if each.unit != "path" and is_secret(each.name)] == []


def test_what_the_tests_are_told_is_no_setting() -> None:
    assert parse(["app:main"], {"COVET_TEST_BUDGET": "50"}).given.keys() == {"app"}


def test_a_plain_start_reads_no_toml_and_no_server_settings(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'shop'\ndependencies = ['covetpy']\n")
    code = (
        "import sys; before = set(sys.modules); from covet.launch import parse;"
        "parse(['a:b', '--port', '0', '--access-log', '--workers=2'], {'COVET_HOST': '::1'});"
        "print(sorted({'tomllib', 'typing', 'dataclasses', 'covet.settings', 're'} & (set(sys.modules) - before)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout == "[]\n"
