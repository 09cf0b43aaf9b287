"""How deep a JSON text is nested, told before it is parsed."""

import re

DEPTH_MAX = 20
# A string is one token, whatever brackets are in it; one that does not end goes to the end.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)


def is_too_deep(text: bytes) -> bool:
    """Say whether arrays and objects lie more than DEPTH_MAX deep in each other."""
    if text.count(b"[") + text.count(b"{") <= DEPTH_MAX:
        return False  # nearly every body
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            if depth > DEPTH_MAX:
                return True
        elif first in b"]}":
            depth -= 1
    return False
