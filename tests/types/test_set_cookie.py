"""`set_cookie` and `delete_cookie`: what is written and what is refused."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.cookies import SimpleCookie

import pytest

from covet._native import Response

PLAIN = "; Path=/; HttpOnly; SameSite=Lax; Secure"


def cookie(*args: object, **options: object) -> str:
    response = Response()
    response.set_cookie(*args, **options)
    (field,) = response.headers.getlist("set-cookie")
    return field


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, f"a=b{PLAIN}"),
        ({"max_age": 60}, f"a=b; Max-Age=60{PLAIN}"),
        ({"max_age": -1}, f"a=b; Max-Age=-1{PLAIN}"),
        ({"path": None}, "a=b; HttpOnly; SameSite=Lax; Secure"),
        ({"path": "/x", "domain": "example.com"}, "a=b; Path=/x; Domain=example.com; HttpOnly; SameSite=Lax; Secure"),
        ({"secure": True}, f"a=b{PLAIN}"),
        ({"secure": False}, "a=b; Path=/; HttpOnly; SameSite=Lax"),
        ({"httponly": False, "samesite": None}, "a=b; Path=/; Secure"),
        ({"samesite": "strict"}, "a=b; Path=/; HttpOnly; SameSite=Strict; Secure"),
        ({"samesite": "None"}, "a=b; Path=/; HttpOnly; SameSite=None; Secure"),
        ({"partitioned": True}, "a=b; Path=/; HttpOnly; SameSite=Lax; Partitioned; Secure"),
        ({"expires": "Thu, 01 Jan 2099 00:00:00 GMT"}, f"a=b; Expires=Thu, 01 Jan 2099 00:00:00 GMT{PLAIN}"),
        (
            {"expires": datetime(2030, 1, 2, 3, 4, 5, 999_999, UTC)},
            f"a=b; Expires=Wed, 02 Jan 2030 03:04:05 GMT{PLAIN}",
        ),
        (
            {"expires": datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))},
            f"a=b; Expires=Wed, 02 Jan 2030 01:04:05 GMT{PLAIN}",
        ),
        ({"expires": datetime(1900, 1, 1, tzinfo=UTC)}, f"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT{PLAIN}"),
        ({"expires": 10**18}, f"a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT{PLAIN}"),
        ({"expires": -(10**18)}, f"a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT{PLAIN}"),
    ],
)
def test_attributes(options: dict[str, object], text: str) -> None:
    assert cookie("a", "b", **options) == text


def test_expires_in_seconds() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    jar = SimpleCookie(cookie("a", "b", expires=3600))
    at = parsedate_to_datetime(jar["a"]["expires"])
    assert before + timedelta(hours=1) <= at <= datetime.now(UTC) + timedelta(hours=1)


def test_each_call_adds_one() -> None:
    response = Response()
    response.set_cookie("a", "1")
    response.set_cookie("a", "2", path="/x")
    response.delete_cookie("b")
    assert [field.split(";")[0] for field in response.headers.getlist("set-cookie")] == ["a=1", "a=2", "b="]


def test_delete() -> None:
    response = Response()
    response.delete_cookie("a", "/x", "example.com", samesite="strict")
    assert response.headers["set-cookie"] == (
        "a=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/x; Domain=example.com; "
        "HttpOnly; SameSite=Strict; Secure"
    )


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", "a\r\nb", "\u00e9", "a,b", '"a"'])
def test_bad_name(name: str) -> None:
    with pytest.raises(ValueError, match="cookie name .* is not a token"):
        cookie(name, "b")
    with pytest.raises(ValueError, match="cookie name .* is not a token"):
        Response().delete_cookie(name)


@pytest.mark.parametrize(
    "value", ["s3cret b", "s3cret,b", "s3cret;b", "s3cret\r\nb", "s3cret\u00e9", 's3cret"', "s3cret\\", "\0s3cret"]
)
def test_bad_value_is_not_told(value: str) -> None:
    with pytest.raises(ValueError, match='the value of cookie "a" has the character') as caught:
        cookie("a", value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "b", '"b"', '""', "a=b==", "!#$%&'()*+-./:<>?@[]^_`{|}~"])
def test_good_value(value: str) -> None:
    assert cookie("a", value).startswith(f"a={value};")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "/;x"}, "cookie attribute Path"),
        ({"path": "/\r\n"}, "cookie attribute Path"),
        ({"domain": "a;b"}, "cookie attribute Domain"),
        ({"domain": "\u00e9"}, "cookie attribute Domain"),
        ({"expires": "a; Domain=b"}, "cookie attribute Expires"),
        ({"expires": datetime(2030, 1, 1)}, "without a timezone"),  # noqa: DTZ001
        ({"samesite": "loose"}, 'samesite is "loose"; use "lax"'),
        ({"samesite": "none", "secure": False}, "refuse it without Secure"),
        ({"partitioned": True, "secure": False}, "refuse it without Secure"),
    ],
)
def test_bad_attributes(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cookie("a", "b", **options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("__Host-a", {"domain": "a.b"}, 'path is "/" and domain None'),
        ("__host-a", {"path": "/x"}, 'path is "/" and domain None'),
        ("__Host-a", {"secure": False}, "without Secure"),
        ("__Secure-a", {"secure": False}, "without Secure"),
    ],
)
def test_prefixes(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cookie(name, "b", **options)


def test_prefixes_kept() -> None:
    assert cookie("__Host-a", "b").endswith("; Secure")
    assert cookie("__Secure-a", "b", path="/x", domain="a.b").endswith("; Secure")


@pytest.mark.parametrize("expires", [1.5, object(), b"x"])
def test_expires_of_another_type(expires: object) -> None:
    with pytest.raises(TypeError, match="expires must be a datetime, a str or an int"):
        cookie("a", "b", expires=expires)
