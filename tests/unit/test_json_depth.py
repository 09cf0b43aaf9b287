"""The limit of JSON nesting."""

import json

import pytest

from broker.api.request.json_depth import DEPTH_MAX, is_too_deep


@pytest.mark.parametrize("depth", [1, DEPTH_MAX, DEPTH_MAX + 1, 100])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_json_nested_over_the_limit_is_too_deep(depth: int, opening: str, closing: str) -> None:
    value = json.loads(opening * depth + "1" + closing * depth)
    each = opening.count("[") + opening.count("{")
    assert is_too_deep(value) == (depth * each > DEPTH_MAX)


@pytest.mark.parametrize(
    "value", [1, None, "[[[[[[[[[[[[[[[[[[[[[[[[", [], {}, [[]] * 100_000, [{"a": [1]}] * 1000]
)
def test_wide_json_is_not_too_deep(value: object) -> None:
    assert not is_too_deep(value)
