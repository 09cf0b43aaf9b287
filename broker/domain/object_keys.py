"""Object keys: made by the broker alone, never chosen by a client.

A relative key (`ads/ad_1/main_Zt41bQ9c.jpg`) is what rows and JSON hold; an object key is
that below a location (`media/ads/…`), and is what the bucket sees.
"""

import re
import secrets
import string
import unicodedata

from broker.domain.media_types import EXTENSIONS
from broker.domain.owners import OWNER_KINDS, OwnerKind

INCOMING = "incoming"
KEY_MAX = 255
STEM_MAX = 60
SUFFIX_LENGTH = 8
_SUFFIX_ALPHABET = string.ascii_letters + string.digits
_ID = re.compile(r"[1-9][0-9]{0,17}")


def stem(file_name: str) -> str:
    """Reduce a client's file name to `[a-z0-9-]`, at most 60 characters, else `image`."""
    base = re.split(r"[/\\]", file_name)[-1]
    if "." in base.strip("."):
        base = base.rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:STEM_MAX].strip("-") or "image"


def new_key(kind: OwnerKind, owner_id: int, file_name: str, content_type: str) -> str:
    """Make a relative key that has not been used: the suffix is 47 random bits."""
    suffix = _suffix(secrets.randbelow(len(_SUFFIX_ALPHABET) ** SUFFIX_LENGTH))
    extension = EXTENSIONS[content_type]
    return f"{kind.prefix}{owner_id}/{stem(file_name)}_{suffix}.{extension}"


def _suffix(number: int) -> str:
    """Write a number in the alphabet's digits: one draw of chance is cheaper than eight."""
    digits = []
    for _ in range(SUFFIX_LENGTH):
        number, digit = divmod(number, len(_SUFFIX_ALPHABET))
        digits.append(_SUFFIX_ALPHABET[digit])
    return "".join(digits)


def object_key(location: str, key: str) -> str:
    """Give the bucket's key for a relative one."""
    return f"{location}/{key}"


def upload_object_key(location: str, key: str, *, promoted: bool) -> str:
    """Give the key that a client writes to.

    Without a pinned digest a form could be replayed with other bytes, so its object lands
    below `incoming/`, and confirming promotes it to its final key.
    """
    return object_key(INCOMING if promoted else location, key)


def relative_key(location: str, key: str) -> str | None:
    """Give the relative key of a bucket's key; None for one outside the location."""
    below = object_key(location, "")
    return key.removeprefix(below) if key.startswith(below) else None


def owner_of(key: str) -> tuple[OwnerKind, int] | None:
    """Tell whose a relative key is, by its prefix; None where it is nobody's."""
    for kind in OWNER_KINDS.values():
        if key.startswith(kind.prefix):
            number, slash, name = key.removeprefix(kind.prefix).partition("/")
            if slash and name and not name.endswith("/") and _ID.fullmatch(number):
                return kind, int(number)
    return None
