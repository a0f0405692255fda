"""`middleware=`: what is refused, with which words, and what becomes of the rest in a plan."""

import re
from pathlib import Path
from typing import Any

import pytest

from covet import Compress, Covet, Limits, Router
from covet._compile import compile_files, compile_routes
from covet.errors import ConfigurationError
from covet.settings import ServerSettings


def test_compress_says_what_it_is() -> None:
    assert Compress().minimum_size == 500
    assert repr(Compress("1KiB")) == "Compress(minimum_size=1024)"
    with pytest.raises(ConfigurationError, match=r"^minimum_size is 0: write a whole number of bytes from 1"):
        Compress(0)


async def function(request: Any, call_next: Any) -> Any: ...


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Compress(), "middleware is Compress(minimum_size=500): write a list, as [Compress()]"),
        ("Compress", "middleware is 'Compress': write a list, as [Compress()]"),
        (None, "middleware is None: write a list, as [Compress()]"),
        ([Compress], "middleware has the class Compress: write Compress()"),
        ([7], "middleware has 7: only declarations that Rust runs are taken by now, as Compress()"),
        ([Compress(), function], f"middleware has {function!r}: only declarations that Rust runs are taken by now"),
    ],
)
def test_what_is_no_middleware(given: Any, words: str) -> None:
    for declare in (lambda: Covet(middleware=given), lambda: Router("/a", middleware=given)):
        with pytest.raises(ConfigurationError, match=f"^{re.escape(words)}"):
            declare()
    with pytest.raises(ConfigurationError, match=rf"test_middleware\.py:\d+: {re.escape(words)}"):
        Covet().get("/", middleware=given)


def test_what_becomes_of_it(tmp_path: Path) -> None:
    app = Covet(middleware=[Compress(900)])
    router = Router("/r", middleware=(Compress(700),), limits=Limits(compressed_body=True))
    inner = Router("/i", limits=Limits(compressed_body=False))
    for routes in (app, router, inner):
        routes.get("/as")(handler)
        routes.get("/less", middleware=[Compress(100), Compress(300)])(handler)
        routes.get("/more", middleware=[Compress(2000)])(handler)
        routes.static("/files", tmp_path)
    router.include_router(inner)
    app.include_router(router)
    plans = {each.plan.path: each.plan for each in compile_routes(app, ServerSettings())}
    assert {path: (plan.compress, plan.compressed_body) for path, plan in plans.items()} == {
        "/as": (900, False),
        "/less": (100, False),
        "/more": (900, False),
        "/r/as": (700, True),
        "/r/less": (100, True),
        "/r/more": (700, True),
        "/r/i/as": (700, False),
        "/r/i/less": (100, False),
        "/r/i/more": (700, False),
    }
    files = {plan.path: plan.compress for plan in compile_files(app)}
    assert files == {"/files": 900, "/r/files": 700, "/r/i/files": 700}


def test_without_it_there_is_none(tmp_path: Path) -> None:
    app = Covet()
    app.get("/")(handler)
    app.static("/files", tmp_path)
    assert [each.plan.compress for each in compile_routes(app, ServerSettings())] == [None]
    assert [plan.compress for plan in compile_files(app)] == [None]


async def handler() -> None: ...
