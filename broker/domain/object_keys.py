"""Object keys, which the broker generates and a client never chooses.

Rows and JSON hold a relative key (`ads/ad_1/main_Zt41bQ9c.jpg`). The bucket's object key is a
location, a slash and the relative key (`media/ads/…`).
"""

import re
import secrets
import string
import unicodedata

from broker.domain.limits import Limits
from broker.domain.media_types import EXTENSIONS
from broker.domain.owners import OWNER_KINDS, OwnerKind
from broker.domain.transports import transport_named
from broker.domain.upload_row import UploadRow

INCOMING = "incoming"
# No object has this name, because `new_key` always adds an extension.
NEVER_WRITTEN = "no-such-object"
KEY_MAX = 255
STEM_MAX = 60
SUFFIX_LENGTH = 8
_SUFFIX_ALPHABET = string.ascii_letters + string.digits
_ID = re.compile(r"[1-9][0-9]{0,17}")


def stem(file_name: str) -> str:
    """Reduce the client's file name to `[a-z0-9-]`, at most 60 characters; `image` if empty."""
    base = re.split(r"[/\\]", file_name)[-1]
    if "." in base.strip("."):
        base = base.rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:STEM_MAX].strip("-") or "image"


def new_key(kind: OwnerKind, owner_id: int, file_name: str, content_type: str) -> str:
    """Return a new relative key; its suffix has 47 random bits, so it was never used."""
    extension = EXTENSIONS[content_type]
    return f"{kind.prefix}{owner_id}/{stem(file_name)}_{_new_suffix()}.{extension}"


def with_new_suffix(key: str) -> str:
    """Return a relative key that differs from `key` only in its random suffix."""
    stem_and_suffix, dot, extension = key.rpartition(".")
    return f"{stem_and_suffix[:-SUFFIX_LENGTH]}{_new_suffix()}{dot}{extension}"


def with_extension(key: str, content_type: str) -> str:
    """Return the relative key with the extension of another content type."""
    return f"{key.rpartition('.')[0]}.{EXTENSIONS[content_type]}"


def variant_key(key: str, width: int) -> str:
    """Return the relative key of an image's variant with this width in pixels."""
    return f"{key.rpartition('.')[0]}_w{width}.webp"


def _new_suffix() -> str:
    """Return a suffix from one random number, which is cheaper than eight random numbers."""
    number = secrets.randbelow(len(_SUFFIX_ALPHABET) ** SUFFIX_LENGTH)
    digits = []
    for _ in range(SUFFIX_LENGTH):
        number, digit = divmod(number, len(_SUFFIX_ALPHABET))
        digits.append(_SUFFIX_ALPHABET[digit])
    return "".join(digits)


def object_key(location: str, key: str) -> str:
    """Return the bucket's object key for a relative key."""
    return f"{location}/{key}"


def final_key(limits: Limits, upload: UploadRow) -> str:
    """Return the object key of the upload's image."""
    return object_key(limits.location, upload.key)


def written_key(limits: Limits, upload: UploadRow) -> str:
    """Return the object key that the upload's client writes to, which is below `incoming/`.

    Release 0.2 did not store it. There, parts and files with a digest were written to the final
    key.
    """
    if upload.written_key is not None:
        return upload.written_key
    in_place = transport_named(upload.transport).has_parts or upload.checksum_sha256 is not None
    return object_key(limits.location if in_place else INCOMING, upload.key)


def needs_promotion(limits: Limits, upload: UploadRow) -> bool:
    """Check whether confirming the upload copies its object to another key."""
    return written_key(limits, upload) != final_key(limits, upload)


def beside(key: str) -> str:
    """Return an object key in the same folder that never has an object."""
    folder, slash, _ = key.rpartition("/")
    return f"{folder}{slash}{NEVER_WRITTEN}"


def relative_key(location: str, key: str) -> str | None:
    """Return the relative key of an object key; None if the key is outside the location."""
    below = object_key(location, "")
    return key.removeprefix(below) if key.startswith(below) else None


def owner_of(key: str) -> tuple[OwnerKind, int] | None:
    """Return the owner in a relative key; None if the key contains no owner."""
    for kind in OWNER_KINDS.values():
        if key.startswith(kind.prefix):
            number, slash, name = key.removeprefix(kind.prefix).partition("/")
            if slash and name and not name.endswith("/") and _ID.fullmatch(number):
                return kind, int(number)
    return None
