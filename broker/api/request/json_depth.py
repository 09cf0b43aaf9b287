"""How deep a JSON value is nested."""

from typing import Any

DEPTH_MAX = 20


def is_too_deep(value: Any) -> bool:
    """Say whether arrays and objects lie more than DEPTH_MAX deep in each other.

    Level by level: what Python's parser has taken is no deeper than it can recurse, but a walk
    that recurses would have that much less left.
    """
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True
