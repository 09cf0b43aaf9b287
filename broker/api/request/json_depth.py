"""Check how deep a JSON value is nested."""

from typing import Any

DEPTH_MAX = 20
# Not `dict | list`, which Python would create again for each value.
_CONTAINERS = (dict, list)


def is_too_deep(value: Any) -> bool:
    """Check whether arrays and objects are nested more than DEPTH_MAX deep.

    It goes level by level, because a recursive function could exceed Python's recursion limit.
    """
    level = [value] if isinstance(value, _CONTAINERS) else []
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, _CONTAINERS)
        ]
        if not level:
            return False
    return True
