"""Nesting is counted as JSON has it: brackets in strings are none."""

import pytest

from broker.api.json_depth import DEPTH_MAX, is_too_deep


@pytest.mark.parametrize("depth", [1, DEPTH_MAX, DEPTH_MAX + 1, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_more_than_the_bound_is_too_deep(depth: int, opening: bytes, closing: bytes) -> None:
    assert is_too_deep(opening * depth + b"1" + closing * depth) == (depth > DEPTH_MAX)
    assert is_too_deep(opening * depth) == (depth > DEPTH_MAX)


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b"[]," * 1000 + b"[]]",
        b'["' + b"[" * 1000 + b'"]',
        b'["\\"' + b"[" * 1000 + b'"]',
        b'["\\\\", "' + b"{" * 1000 + b'"]',
        b'"' + b"[" * 1000,  # no JSON, which its parser tells
        b"]" * 1000 + b"[" * DEPTH_MAX,
    ],
)
def test_many_brackets_that_are_not_deep_are_not(text: bytes) -> None:
    assert not is_too_deep(text)


def test_a_megabyte_of_the_worst_is_told_in_one_pass() -> None:
    assert not is_too_deep(b'"' + b'\\"[' * 300_000)
    assert not is_too_deep(b"[]," * 300_000)
