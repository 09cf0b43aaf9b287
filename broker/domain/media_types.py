"""The accepted image types, their other names, and their extensions.

SVG is not accepted: it can run scripts. The clients know the same types; tests/media_types.json
holds all three to the same data.
"""

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
VARIANT = "image/webp"
# Names that browsers, phones and older uploaders use for these types.
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
# S3 and many clients write these if they do not know the type.
UNNAMED_TYPES = frozenset({"", "binary/octet-stream", "application/octet-stream"})
# Many browsers do not display these. A worker publishes a JPEG that it has made from them.
CONVERTED = frozenset({"image/avif", "image/heic", "image/heif"})
_TYPES = {extension: content_type for content_type, extension in EXTENSIONS.items()}
_TYPES |= {"jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg"}


def type_of(content_type: str, name: str) -> str | None:
    """Return the accepted image type of a file or object, under the name that the broker signs.

    Letter case and parameters (RFC 9110, section 8.3.1) do not matter. If the content type names
    none, the extension of the file name or object key decides. Return None if the type is not
    accepted: an object that is served as HTML is not an image, even if its name ends in `.jpg`.
    """
    named = content_type.partition(";")[0].strip(" ").lower()
    if named in UNNAMED_TYPES:
        return _TYPES.get(splitext(name)[1].lstrip(".").lower())
    named = ALIASES.get(named, named)
    return named if named in EXTENSIONS else None


def extension_of(content_type: str) -> str:
    """Return the extension of keys with this type, without a dot."""
    return EXTENSIONS.get(content_type, "bin")


def published_type(content_type: str) -> str:
    """Return the type of the image that a worker makes from a file of this type."""
    return "image/jpeg" if content_type in CONVERTED else content_type
