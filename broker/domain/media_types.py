"""The image types that are accepted, each with its extension. No SVG, no HTML: they run scripts."""

from posixpath import splitext

EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
}
# What S3 and older uploaders store where nobody named a type.
UNNAMED_TYPES = frozenset({"", "binary/octet-stream", "application/octet-stream"})
_TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()}
_TYPES |= {"jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg"}


def type_of(content_type: str, key: str) -> str | None:
    """Give the type of an object that came another way: its own, else its extension's.

    None where it is none of ours: an object that is served as HTML is no image, whatever its
    name is.
    """
    named = content_type.partition(";")[0].strip().lower()
    if named in UNNAMED_TYPES:
        return _TYPES.get(splitext(key)[1].lstrip(".").lower())
    named = "image/jpeg" if named == "image/jpg" else named
    return named if named in EXTENSIONS else None
