"""Compare configurations by their meaning: servers reorder lists and shorten documents."""

import json
from collections.abc import Mapping
from typing import Any

ABSENT: tuple[Any, ...] = (None, False, "", [])


def same(one: Any, other: Any) -> bool:
    """Check whether two configurations mean the same."""
    return bool(_canonical(one) == _canonical(other))


def _canonical(value: Any) -> Any:
    """Return a form that is equal for equal meanings.

    Order and repetition in a list do not matter. A list of one item equals that item, and a member
    that is off, empty or null equals a missing one. The principals `*` and `{"AWS": "*"}` are
    equal. An empty object stays, because `EventBridgeConfiguration: {}` turns EventBridge on.
    """
    if isinstance(value, Mapping):
        members = {name: _canonical(member) for name, member in value.items()}
        kept = {name: member for name, member in members.items() if member not in ABSENT}
        return "*" if kept == {"AWS": "*"} else kept
    if isinstance(value, list | tuple):
        items = {json.dumps(item, sort_keys=True): item for item in map(_canonical, value)}
        ordered = [items[text] for text in sorted(items)]
        return ordered[0] if len(ordered) == 1 else ordered
    return value
