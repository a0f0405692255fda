"""The server's settings: every default as documented, every unit checked, every field described."""

import dataclasses
import os

import pytest

from covet.errors import ConfigurationError
from covet.settings import ServerSettings, described

DEFAULTS = {
    "head_timeout": 10.0,
    "body_timeout": 30.0,
    "body_min_rate": 500,
    "body_rate_grace": 10.0,
    "write_timeout": 30.0,
    "keep_alive": 75.0,
    "connection_max_age": 3600.0,
    "linger": 2.0,
    "max_target": 16 * 1024,
    "max_head": 32 * 1024,
    "max_fields": 100,
    "max_body": 2 * 1024 * 1024,
    "max_chunk_extensions": 4096,
    "max_trailers": 8192,
    "max_trailer_fields": 32,
    "max_query_fields": 1000,
    "max_multipart_parts": 1000,
    "max_multipart_files": 100,
    "max_multipart_head": 8 * 1024,
    "max_multipart_head_fields": 16,
    "max_multipart_field": 1024 * 1024,
    "max_multipart_fields": 16 * 1024 * 1024,
    "max_discard": 256 * 1024,
    "max_body_ratio": 10,
    "max_connections": 16384,
    "max_connections_per_address": None,
    "max_concurrency": None,
    "queue": 0,
    "max_pipelined": 32,
    "max_unsent": 64 * 1024,
    "half_close": False,
    "copy_files": False,
    "backlog": 2048,
    "drain_timeout": 30.0,
    "drain_quiet": 1.0,
    "drain_delay": None,
    "tcp_user_timeout": 30.0,
    "worker_timeout": 30.0,
    "max_requests": None,
    "max_age": None,
    "max_rss": None,
    "pin_workers": False,
    "trusted_proxies": (),
    "forwarded_fields": "any",
    "proxy_protocol": False,
    "access_log": False,
    "access_log_file": None,
    "access_log_format": "text",
    "access_log_sample": 1.0,
    "request_id": False,
    "slow_request": None,
    "debug": False,
    "debug_locals": False,
    "switch_interval": None,
}


def test_defaults() -> None:
    settings = dataclasses.asdict(ServerSettings())
    threads = settings.pop("pool_threads")
    assert settings == DEFAULTS
    assert 8 <= threads <= 40


def test_pool_threads_follow_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    for processors, threads in ((1, 8), (2, 8), (4, 16), (64, 40)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=processors: set(range(n)), raising=False)
        assert ServerSettings().pool_threads == threads


def test_every_field_is_described() -> None:
    settings = list(described())
    assert [setting.name for setting in settings] == [field.name for field in dataclasses.fields(ServerSettings)]
    assert all(setting.words for setting in settings)
    optional = {setting.name for setting in settings if setting.optional}
    assert optional == {
        "access_log_file",
        "drain_delay",
        "max_age",
        "max_body",
        "max_concurrency",
        "max_connections_per_address",
        "max_requests",
        "max_rss",
        "slow_request",
        "switch_interval",
        "tcp_user_timeout",
        "worker_timeout",
    }


def test_values_are_normalised() -> None:
    settings = ServerSettings(max_body="64KiB", head_timeout=3, max_connections_per_address=None)  # type: ignore[arg-type]
    assert settings.max_body == 65536
    assert type(settings.head_timeout) is float
    for given in ("10.0.0.0/255.0.0.0, ::1,unix", ["10.0.0.0/8", "::1", "unix"]):
        assert ServerSettings(trusted_proxies=given).trusted_proxies == ("10.0.0.0/8", "::1/128", "unix")  # type: ignore[arg-type]
    assert ServerSettings(trusted_proxies="").trusted_proxies == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("head_timeout", 0, "head_timeout is 0: write a number of seconds above 0, or a timedelta"),
        ("head_timeout", None, "head_timeout is None: write a number of seconds above 0, or a timedelta"),
        ("max_fields", 0, "max_fields is 0: write a whole number from 1"),
        ("max_fields", 1.5, "max_fields is 1.5: write a whole number from 1"),
        ("body_min_rate", True, "body_min_rate is True: write a whole number from 1"),
        ("max_concurrency", 0, "max_concurrency is 0: write a whole number from 1"),
        ("queue", -1, "queue is -1: write a whole number from 0"),
        ("queue", True, "queue is True: write a whole number from 0"),
        ("queue", 5, "queue is 5, but nothing waits without max_concurrency: set that too"),
        ("half_close", 1, "half_close is 1: write True or False"),
        ("trusted_proxies", 5, "trusted_proxies is 5: write addresses, networks as "),
        ("trusted_proxies", "::1, a", "trusted_proxies has 'a': write an address, a network as 10.0.0.0/8, or unix"),
        ("trusted_proxies", [1], "trusted_proxies has 1: write an address, "),
        ("trusted_proxies", "fe80::1%lo", "trusted_proxies has 'fe80::1%lo': write an address, "),
        (
            "trusted_proxies",
            "10.1.2.3/8",
            "trusted_proxies has '10.1.2.3/8', which is inside a network: write 10.0.0.0/8",
        ),
        ("forwarded_fields", "x", "forwarded_fields is 'x': write one of any, x-forwarded, forwarded"),
        ("access_log_format", "jsn", "access_log_format is 'jsn': write text, json, or a line of %h "),
        ("access_log_format", "%h %x", "access_log_format is '%h %x': write text, json, "),
        ("access_log_format", "%h\n", "access_log_format is '%h\\n': write text, json, "),
        ("access_log_format", "%{A B}i", "access_log_format is '%{A B}i': write text, json, "),
        ("access_log_format", "%{A}x", "access_log_format is '%{A}x': write text, json, "),
        ("access_log_format", None, "access_log_format is None: write text, json, "),
        ("access_log_sample", 0, "access_log_sample is 0: write a number above 0 and at most 1, as 0.1"),
        ("access_log_sample", 1.1, "access_log_sample is 1.1: write a number above 0 "),
        ("access_log_sample", "a", "access_log_sample is 'a': write a number above 0 "),
        ("max_head", None, "max_head is None: write a whole number of bytes from 1, "),
    ],
)
def test_nonsense_is_refused(field: str, value: object, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ServerSettings(**{field: value})  # type: ignore[arg-type]
    assert str(caught.value).startswith(words)


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ServerSettings().debug = True  # type: ignore[misc]
