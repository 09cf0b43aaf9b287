"""Object keys on a terminal: S3 lets them hold line breaks and escape sequences."""

import json


def printable(key: str) -> str:
    """Give the key itself, or as a JSON string where a terminal would not show it as it is."""
    return key if key.isprintable() else json.dumps(key)
