"""Every row of docs/limits.md has a test that sees its effect, below, at and above the bound where it is one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "limits.md"

HTTP1, CONNECTIONS = "tests/limits/test_limits_http1.py", "tests/limits/test_limits_connections.py"
ADMISSION, MORE = "tests/limits/test_limits_admission.py", "tests/limits/test_limits_more.py"
UPLOADS, LOG = "tests/wire/test_uploads.py", "tests/wire/test_access_log.py"
IDS, PROXIES = "tests/wire/test_request_ids.py", "tests/wire/test_proxies.py"
HANDLERS, FILES = "tests/wire/test_handlers.py", "tests/wire/test_file_sends.py"
CODINGS = "tests/wire/test_compression.py"
ADDRESSES, WATCH, SUPERVISOR = (
    "tests/sockets/test_addresses.py",
    "tests/python/test_watch.py",
    "tests/python/test_supervisor.py",
)
BODIES = "crates/covet-server/tests/server/compressed_bodies.rs"
CODEC = "crates/covet-server/tests/http1/limits.rs"

TESTS: dict[str, tuple[str, ...]] = {
    "head_timeout": (
        f"{HTTP1}::test_unfinished_request_is_ended",
        f"{HTTP1}::test_head_that_drips_is_ended_all_the_same",
    ),
    "body_timeout": (f"{HTTP1}::test_unfinished_request_is_ended", f"{HTTP1}::test_body_that_keeps_coming_is_read_on"),
    "body_min_rate": (f"{HTTP1}::test_body_below_the_slowest_rate",),
    "body_rate_grace": (f"{HTTP1}::test_body_below_the_slowest_rate",),
    "write_timeout": (f"{HTTP1}::test_answer_that_nobody_reads_is_given_up",),
    "keep_alive": (f"{HTTP1}::test_idle_connection_is_closed_without_a_word",),
    "connection_max_age": (f"{HTTP1}::test_old_connection_is_told_to_close",),
    "linger": (f"{CONNECTIONS}::test_refused_connection_is_read_on_for_a_while",),
    "max_target": (f"{HTTP1}::test_size", f"{CODEC}::target"),
    "max_head": (f"{HTTP1}::test_size", f"{CODEC}::all_fields_together"),
    "max_fields": (f"{HTTP1}::test_size", f"{CODEC}::number_of_fields"),
    "max_body": (f"{HTTP1}::test_size", f"{HTTP1}::test_body_over_its_limit_is_refused_before_it_is_sent"),
    "max_chunk_extensions": (f"{HTTP1}::test_size", f"{HTTP1}::test_chunk_extensions_count_together"),
    "max_trailers": (f"{HTTP1}::test_size", f"{CODEC}::trailers"),
    "max_trailer_fields": (f"{HTTP1}::test_size", f"{CODEC}::trailers"),
    "max_query_fields": (f"{HTTP1}::test_query_fields", f"{UPLOADS}::test_limits_of_urlencoded_fields"),
    "max_multipart_parts": (f"{UPLOADS}::test_default_limits", f"{UPLOADS}::test_limits_are_settings"),
    "max_multipart_files": (f"{UPLOADS}::test_default_limits", f"{UPLOADS}::test_limits_are_settings"),
    "max_multipart_head": (f"{UPLOADS}::test_default_limits", f"{UPLOADS}::test_limits_are_settings"),
    "max_multipart_head_fields": (f"{UPLOADS}::test_default_limits", f"{UPLOADS}::test_limits_are_settings"),
    "max_multipart_field": (f"{UPLOADS}::test_default_limits", f"{UPLOADS}::test_limits_are_settings"),
    "max_multipart_fields": (f"{UPLOADS}::test_limits_are_settings",),
    "max_discard": (f"{CONNECTIONS}::test_unread_body_is_thrown_away",),
    "max_body_ratio": (
        f"{CODINGS}::test_the_ratio_is_a_setting",
        f"{BODIES}::each_limit_at_one_less_itself_and_one_more",
    ),
    "max_connections": (f"{HTTP1}::test_connections",),
    "max_connections_per_address": (f"{CONNECTIONS}::test_connections_of_one_address",),
    "max_concurrency": (f"{ADMISSION}::test_worker", f"{ADMISSION}::test_around_the_bounds"),
    "queue": (f"{ADMISSION}::test_worker", f"{ADMISSION}::test_around_the_bounds"),
    "max_pipelined": (f"{HTTP1}::test_pipelined_requests_are_all_answered_in_order",),
    "max_unsent": (f"{HTTP1}::test_reading_pauses_while_answers_are_unread",),
    "half_close": (f"{HTTP1}::test_client_that_shut_its_sending_side",),
    "copy_files": (f"{MORE}::test_files_are_copied_where_the_kernel_does_not_send_them",),
    "backlog": (f"{CONNECTIONS}::test_backlog",),
    "drain_timeout": (f"{HTTP1}::test_drain_deadline_aborts_what_is_left",),
    "drain_quiet": (f"{CONNECTIONS}::test_idle_connection_outlives_the_signal_for_a_while",),
    "drain_delay": ("tests/faults/test_drain.py::test_readiness_goes_first_and_everything_else_goes_on",),
    "tcp_user_timeout": (
        f"{ADDRESSES}::test_quiet_connections_are_probed",
        "crates/covet-server/src/listener.rs::what_is_accepted_notices_a_client_that_is_gone",
    ),
    "worker_timeout": (
        "tests/faults/test_hanging.py::test_the_log_names_the_line_that_hangs",
        "tests/faults/test_hanging.py::test_who_is_late_but_comes_is_kept",
        f"{WATCH}::test_none_switches_it_off",
    ),
    "max_requests": (
        "tests/faults/test_replacing.py::test_worn_workers_are_replaced",
        f"{WATCH}::test_requests_and_their_spread",
    ),
    "max_age": (f"{WATCH}::test_age_and_its_spread", f"{SUPERVISOR}::test_a_worker_is_replaced_at_an_age"),
    "max_rss": (f"{WATCH}::test_memory", f"{SUPERVISOR}::test_a_worker_is_replaced_at_a_size"),
    "pin_workers": (f"{SUPERVISOR}::test_pinned_workers",),
    "trusted_proxies": (f"{PROXIES}::test_only_a_trusted_peer_is_believed",),
    "forwarded_fields": (f"{PROXIES}::test_only_a_trusted_peer_is_believed",),
    "proxy_protocol": (f"{PROXIES}::test_a_proxy_without_http_says_who_connected",),
    "pool_threads": (f"{MORE}::test_pool_threads",),
    "access_log": (f"{LOG}::test_one_line_a_request", f"{LOG}::test_no_line_without_the_flag"),
    "access_log_file": ("tests/wire/test_access_log_file.py::test_a_file_that_is_moved_aside",),
    "access_log_format": (f"{IDS}::test_formats",),
    "access_log_sample": (f"{LOG}::test_a_sample_has_every_failure",),
    "request_id": (f"{IDS}::test_a_failure_has_the_name_of_its_request",),
    "slow_request": (f"{IDS}::test_a_slow_request_is_one_warning", f"{IDS}::test_nothing_is_slow_by_default"),
    "debug": (f"{MORE}::test_debug",),
    "debug_locals": ("tests/wire/test_debug.py::test_locals_are_shown_only_when_they_were_asked_for",),
    "switch_interval": (f"{MORE}::test_switch_interval",),
    "timeout": (f"{HANDLERS}::test_time_limit_cancels", f"{HANDLERS}::test_time_limit_of_a_def"),
    "Limits(form_fields=)": (f"{UPLOADS}::test_limits_of_urlencoded_fields",),
    "Limits(multipart_parts=)": (f"{UPLOADS}::test_limits_of_a_route",),
    "Limits(multipart_files=)": (f"{UPLOADS}::test_limits_of_a_route",),
    "Limits(multipart_field_size=)": (f"{UPLOADS}::test_limits_of_a_route",),
    "Limits(compressed_body=)": (
        f"{CODINGS}::test_a_route_that_does_not_take_them",
        f"{CODINGS}::test_the_limit_of_the_route_is_that_of_the_decoded_body",
    ),
    "JSON nesting": (f"{MORE}::test_nesting_of_a_body",),
    "digits of a JSON integer": (f"{MORE}::test_digits_of_an_integer_in_a_body",),
    "digits of a chunk's size": (f"{CODEC}::chunk_size_digits",),
    "ranges of a Range field": (f"{MORE}::test_ranges_of_a_file",),
    "file sent in one turn": (f"{FILES}::test_others_are_answered_meanwhile",),
}
"""The tests of each row, as file::function."""

HEADS = ("field", "argument", "limit")
"""First columns of the tables that are limits."""


def rows() -> list[str]:
    """What the first columns of those tables name."""
    found, inside = list[str](), False
    for line in PAGE.read_text().splitlines():
        if not line.startswith("| "):
            inside = inside and line.startswith("|-")
            continue
        first = line.split("|")[1].strip()
        if first in HEADS:
            inside = True
        elif inside:
            found += re.findall(r"`([^`]+)`", first) or [first]
    return found


def test_every_row_has_tests_and_every_entry_a_row() -> None:
    assert sorted(set(rows())) == sorted(TESTS)


@pytest.mark.parametrize("row", TESTS)
def test_the_tests_are_there(row: str) -> None:
    for place in TESTS[row]:
        file, _, name = place.partition("::")
        word = "def" if file.endswith(".py") else "fn"
        assert re.search(rf"^ *(async )?{word} {name}\(", (ROOT / file).read_text(), re.MULTILINE), place
