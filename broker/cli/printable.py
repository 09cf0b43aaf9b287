"""Print object keys safely: they may contain line breaks and escape sequences."""

import json


def printable(key: str) -> str:
    """Return the key, as a JSON string if it has characters that are not printable."""
    return key if key.isprintable() else json.dumps(key)
