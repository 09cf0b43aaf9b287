"""The subject of a token and the user's id that belongs to it.

A decimal subject below 2^52 is the id itself. Any other subject is mapped to an id from 2^52
upwards, which the database stores with it. So no subject can get the id of another. JavaScript
reads ids below 2^53 exactly.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterator

SUBJECT_MAX = 128
MAPPED_MIN = 2**52
MAPPED_MAX = 2**53 - 1
_BIGINT_MAX = 2**63 - 1
_DECIMAL = re.compile(r"[1-9][0-9]{0,18}")


def subject_of(claim: object) -> str | None:
    """Return the subject in a claim's value, or None if the value names no user.

    A subject is a string of 1 to 128 characters without control characters. Letter case and spaces
    are significant. An integer counts as its decimal string.
    """
    if type(claim) is int:
        claim = str(claim)
    if not isinstance(claim, str) or not 1 <= len(claim) <= SUBJECT_MAX:
        return None
    # Cs: PostgreSQL stores no lone surrogates.
    is_text = all(unicodedata.category(character) not in ("Cc", "Cs") for character in claim)
    return claim if is_text else None


def decimal_of(subject: str) -> int | None:
    """Return the number in a decimal subject that fits 64 bits and has no leading zero, or None."""
    number = int(subject) if _DECIMAL.fullmatch(subject) else 0
    return number if 0 < number <= _BIGINT_MAX else None


def own_id(subject: str) -> int | None:
    """Return the id if the subject itself is the id, or None if the database maps it."""
    number = decimal_of(subject)
    return number if number is not None and number < MAPPED_MIN else None


def stored_subject(user_id: int, subject: str | None) -> str:
    """Return the subject of a user's row. A row without one has the id as its decimal subject."""
    return str(user_id) if subject is None else subject


def new_ids(subject: str) -> Iterator[int]:
    """Yield ids to try for a new subject, from 2^52 to 2^53 - 1.

    A decimal in this range is tried as its own id first, as release 0.2 uses it. Other ids are
    random: a counter could reach an id that 0.2 uses, and after a restore it would use ids again.
    """
    number = decimal_of(subject)
    if number is not None and MAPPED_MIN <= number <= MAPPED_MAX:
        yield number
    while True:
        yield MAPPED_MIN + secrets.randbelow(MAPPED_MAX - MAPPED_MIN + 1)
