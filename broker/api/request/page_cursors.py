"""Opaque page cursors of lists."""

import base64
import binascii

from broker.domain.errors import InvalidRequest

ID_MAX = 2**63 - 1
UUID_MAX = 2**128 - 1


def encode(last_id: int) -> str:
    """Return the cursor of the page after `last_id`."""
    return base64.urlsafe_b64encode(str(last_id).encode()).decode().rstrip("=")


def decode(cursor: str | None, *, largest: int = ID_MAX) -> int | None:
    """Return the id in a cursor, at most `largest`; None if there is no cursor.

    Raise InvalidRequest if `encode` did not create it.
    """
    if cursor is None:
        return None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        if not text.isdigit() or len(text) > len(str(largest)) or encode(int(text)) != cursor:
            raise ValueError(cursor)
    except (binascii.Error, ValueError):
        raise InvalidRequest("The cursor is not valid.", {"cursor": ["Invalid."]}) from None
    return min(int(text), largest)
