"""Opaque page cursors of lists."""

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta

from broker.domain.decoration import ORDER_MAX
from broker.domain.errors import InvalidRequest

ID_MAX = 2**63 - 1
UUID_MAX = 2**128 - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIME_MAX = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
# A position is one number: the order, and 64 bits each for the time and the id.
_64_BITS = 2**64 - 1
_POSITION_MAX = (ORDER_MAX << 128) | UUID_MAX
_FEED = re.compile(r"([0-9a-f]{1,16})\.(0|[1-9][0-9]{0,17})")


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
        raise _invalid("cursor") from None
    return min(int(text), largest)


def encode_position(order: int, created_at: datetime, last_id: int) -> str:
    """Return the cursor of the page after a row, in a list by order, time and id."""
    return encode((order << 128) | ((created_at - _EPOCH) // _MICROSECOND << 64) | last_id)


def decode_position(cursor: str | None) -> tuple[int, datetime, int] | None:
    """Return the order, time and id in a cursor; None if there is no cursor.

    Raise InvalidRequest if `encode_position` did not create it.
    """
    found = decode(cursor, largest=_POSITION_MAX)
    if found is None:
        return None
    time, last_id = (found >> 64) & _64_BITS, found & _64_BITS
    created_at = _EPOCH + min(time, _TIME_MAX) * _MICROSECOND
    return found >> 128, created_at, min(last_id, ID_MAX)


def encode_feed(epoch: str, sequence: int) -> str:
    """Return the cursor after an event. Readers must not look into it."""
    return f"{epoch}.{sequence}"


def decode_feed(cursor: str) -> tuple[str, int]:
    """Return the epoch and the sequence in a cursor; raise InvalidRequest for another text."""
    found = _FEED.fullmatch(cursor)
    if found is None:
        raise _invalid("after")
    return found[1], int(found[2])


def _invalid(parameter: str) -> InvalidRequest:
    return InvalidRequest("The cursor is not valid.", {parameter: ["Invalid."]})
