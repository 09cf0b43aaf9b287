"""Content types by file name, for what the broker knows as images."""

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
    """Give the type that the name's extension stands for; None where it stands for none."""
    return CONTENT_TYPES.get(splitext(file_name)[1].lstrip(".").lower())
