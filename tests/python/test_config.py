"""Sizes, times and limits: what is read, what is refused, and with which words."""

import math
from datetime import timedelta
from typing import Any

import pytest

from covet.config import MAX_BODY, MAX_FIELD, Limits, Seconds, Size, seconds, size_in_bytes
from covet.errors import ConfigurationError


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (1, 1),
        (65536, 65536),
        ("1", 1),
        ("512B", 512),
        ("64KB", 64_000),
        ("64KiB", 65_536),
        ("64 KB", 64_000),
        ("64K", 64_000),
        ("2MB", 2_000_000),
        ("2MiB", 2_097_152),
        ("1GB", 10**9),
        ("1GiB", 2**30),
        (" 1KB ", 1000),
    ],
)
def test_size(written: Size, size: int) -> None:
    assert size_in_bytes(written, "max_body") == size


@pytest.mark.parametrize(
    "written", [0, -1, True, 1.5, None, "", "0", "0KB", "-1", "1.5KB", "64kb", "64TB", "KB", "٣KB", [1]]
)
def test_no_size(written: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        size_in_bytes(written, "max_body")
    assert str(caught.value) == (
        f"max_body is {written!r}: write a whole number of bytes from 1, "
        'or text with a unit as "64KB" (64,000) or "64KiB" (65,536)'
    )


@pytest.mark.parametrize(("written", "number"), [(1, 1.0), (0.5, 0.5), (timedelta(minutes=2), 120.0)])
def test_seconds(written: Seconds, number: float) -> None:
    assert seconds(written, "timeout") == number


@pytest.mark.parametrize("written", [0, -1, True, "2s", None, math.inf, math.nan, timedelta(0)])
def test_no_seconds(written: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout is .*: write a number of seconds above 0, or a timedelta$"):
        seconds(written, "timeout")


def test_limits_know_what_was_given() -> None:
    limits = Limits(max_body="1KB")
    assert (limits.max_body, limits.timeout) == (1000, None)
    assert (limits.says("max_body"), limits.says("timeout")) == (True, False)
    assert repr(limits) == "Limits(max_body=1000)"


def test_limits_none_is_unlimited() -> None:
    limits = Limits(max_body=None, timeout=None)
    assert (limits.max_body, limits.timeout) == (None, None)
    assert limits.says("max_body")
    assert limits.says("timeout")


def test_limits_left_out_are_the_defaults() -> None:
    assert (Limits().max_body, Limits().timeout) == (MAX_BODY, None)


def test_limits_refuse_nonsense() -> None:
    with pytest.raises(ConfigurationError, match=r"^max_body is '1 apple': "):
        Limits(max_body="1 apple")
    with pytest.raises(ConfigurationError, match=r"^timeout is -1: "):
        Limits(timeout=-1)


def test_limits_of_forms() -> None:
    limits = Limits(form_fields=1, multipart_parts=2, multipart_files=3, multipart_field_size="1KiB")
    found = (limits.form_fields, limits.multipart_parts, limits.multipart_files, limits.multipart_field_size)
    assert found == (1, 2, 3, 1024)
    assert repr(limits) == "Limits(form_fields=1, multipart_field_size=1024, multipart_files=3, multipart_parts=2)"
    usual = Limits()
    found = (usual.form_fields, usual.multipart_parts, usual.multipart_files, usual.multipart_field_size)
    assert found == (1000, 1000, 100, MAX_FIELD)
    assert not usual.says("multipart_parts")


@pytest.mark.parametrize("name", ["form_fields", "multipart_parts", "multipart_files"])
@pytest.mark.parametrize("written", [0, -1, True, 1.5, "1", None])
def test_counts_are_whole_numbers(name: str, written: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is .*: write a whole number from 1$"):
        Limits(**{name: written})


def test_compressed_bodies_are_a_switch() -> None:
    assert (Limits().compressed_body, Limits().says("compressed_body")) == (False, False)
    assert repr(Limits(compressed_body=True)) == "Limits(compressed_body=True)"
    with pytest.raises(ConfigurationError, match="^compressed_body is 1: write True or False$"):
        Limits(compressed_body=1)  # type: ignore[arg-type]
