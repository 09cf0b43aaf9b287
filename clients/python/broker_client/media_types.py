"""Media types by file extension, for the image types that the broker accepts.

The tests compare this list, the JS client's list and the broker's list with tests/media_types.json.
"""

from posixpath import splitext

CONTENT_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "jfif": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "heic": "image/heic",
    "heif": "image/heif",
}


def content_type_of(file_name: str) -> str | None:
    """Return the media type of a file name's extension, or None if it is unknown."""
    return CONTENT_TYPES.get(splitext(file_name)[1].lstrip(".").lower())
