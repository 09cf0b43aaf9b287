"""Object keys, which the broker generates and a client never chooses.

Rows and JSON hold a relative key (`ads/ad_1/main_Zt41bQ9c.jpg`). The bucket's object key is a
location, a slash and the relative key (`media/ads/…`); the location of a private profile is
`private`.
"""

import re
import secrets
import string
import unicodedata

from broker.domain.limits import Limits
from broker.domain.media_types import extension_of, published_type
from broker.domain.profiles import PRIVATE, Profile
from broker.domain.transports import transport_named
from broker.domain.upload_row import UploadRow

INCOMING = "incoming"
# The first segments of keys that nobody can read without a signature.
NOT_PUBLIC = (INCOMING, PRIVATE)
# No object has this name, because `new_key` always adds an extension.
NEVER_WRITTEN = "no-such-object"
KEY_MAX = 255
STEM_MAX = 60
SUFFIX_LENGTH = 8
# A key without its extension is shorter than this, so that `_w1600.webp` can be appended.
BASE_MAX = KEY_MAX - 20
_SEPARATORS = re.compile(r"[/\\]")
_NOT_IN_STEMS = re.compile(r"[^a-z0-9]+")
_SUFFIX_ALPHABET = string.ascii_letters + string.digits
_SUFFIX = re.compile(rf"_[A-Za-z0-9]{{{SUFFIX_LENGTH}}}$")
_WIDTH = re.compile(r"_w[0-9]+$")


def stem(file_name: str) -> str:
    """Reduce the client's file name to `[a-z0-9-]`, at most 60 characters; `image` if empty."""
    base = _SEPARATORS.split(file_name)[-1]
    if "." in base.strip("."):
        base = base.rsplit(".", 1)[0]
    plain = unicodedata.normalize("NFKD", base).encode("ascii", "ignore").decode("ascii")
    return _NOT_IN_STEMS.sub("-", plain.lower()).strip("-")[:STEM_MAX].strip("-") or "image"


def new_key(profile: Profile, owner: str, file_name: str, content_type: str) -> str:
    """Return a new relative key; its suffix has 47 random bits, so it was never used."""
    extension = extension_of(content_type)
    return f"{profile.prefix}{owner}/{stem(file_name)}_{_new_suffix()}.{extension}"


def with_new_suffix(key: str) -> str:
    """Return a relative key in the same folder with a new random suffix, so it was never used.

    The suffix takes the place of the one before. An adopted key may have none, and a long name is
    shortened, so that the names of variants fit into a key.
    """
    base, extension = _split(key)
    base = _SUFFIX.sub("", base)[: BASE_MAX - 1 - SUFFIX_LENGTH]
    return f"{base}_{_new_suffix()}{extension}"


def with_extension(key: str, content_type: str) -> str:
    """Return the relative key with the extension of another content type."""
    return f"{_split(key)[0]}.{extension_of(content_type)}"


def variant_key(key: str, width: int) -> str:
    """Return the relative key of an image's variant with this width in pixels."""
    return f"{_split(key)[0]}_w{width}.webp"


def may_be_published_as(key: str, of_upload: str) -> bool:
    """Check whether a worker may have written a relative key for the upload with another one.

    A later attempt has another suffix, a converted image another extension, and variants have
    their width in their names.
    """
    base = _WIDTH.sub("", _split(key)[0])
    return _SUFFIX.search(base) is not None and unsuffixed(key) == unsuffixed(of_upload)


def unsuffixed(key: str) -> str:
    """Return the part of a relative key that all attempts of an upload and their variants share."""
    return _SUFFIX.sub("", _WIDTH.sub("", _split(key)[0]))


def _split(key: str) -> tuple[str, str]:
    """Return a key without its extension, and the extension with its dot; it may be empty."""
    folder, slash, name = key.rpartition("/")
    stem_and_suffix, dot, extension = name.rpartition(".")
    if not stem_and_suffix:
        return key, ""
    return f"{folder}{slash}{stem_and_suffix}", f"{dot}{extension}"


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


def published_key(limits: Limits, key: str) -> str:
    """Return the object key at which a file with this relative key is published."""
    return object_key(PRIVATE if limits.profiles.is_private(key) else limits.location, key)


def final_key(limits: Limits, upload: UploadRow) -> str:
    """Return the object key of the upload's image."""
    return published_key(limits, upload.key)


def published_keys(upload: UploadRow) -> list[tuple[str, str]]:
    """Return the relative keys of a first attempt to publish the upload, with their types.

    The last is that of a worker. A confirm without inspection publishes HEIC and AVIF as they are.
    """
    keys = [(upload.key, upload.content_type)]
    made = published_type(upload.content_type)
    if made != upload.content_type:
        keys.append((with_extension(upload.key, made), made))
    return keys


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


def published_locations(limits: Limits) -> tuple[str, ...]:
    """Return the first segments of the keys of published objects."""
    return (limits.location, PRIVATE) if limits.profiles.have_private else (limits.location,)


def relative_of_published(limits: Limits, key: str) -> str | None:
    """Return the relative key of a published object; None if nothing is published at the key."""
    for location in published_locations(limits):
        relative = relative_key(location, key)
        if relative is not None and published_key(limits, relative) == key:
            return relative
    return None
