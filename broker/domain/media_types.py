"""The accepted image types and their extensions. SVG is not accepted: it can run scripts."""

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
# S3 and older uploaders store these if no type was named.
UNNAMED_TYPES = frozenset({"", "binary/octet-stream", "application/octet-stream"})
_TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()}
_TYPES |= {"jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg"}


def type_of(content_type: str, key: str) -> str | None:
    """Return the accepted image type of an object that was not uploaded through the broker.

    This is the object's Content-Type, or the type of the key's extension if the object has no
    Content-Type. Return None if the type is not accepted: an object that is served as HTML is not
    an image, even if its name ends in `.jpg`.
    """
    named = content_type.partition(";")[0].strip().lower()
    if named in UNNAMED_TYPES:
        return _TYPES.get(splitext(key)[1].lstrip(".").lower())
    named = "image/jpeg" if named == "image/jpg" else named
    return named if named in EXTENSIONS else None
