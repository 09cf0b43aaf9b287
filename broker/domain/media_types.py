"""The types of images, documents, videos and sounds, their other names, and their extensions.

Public profiles accept images only, without SVG, which can run scripts. The clients know the same
types; tests/media_types.json holds all three to the same data.
"""

from collections.abc import Container
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
# Only private profiles accept these, and any other type that runs no scripts.
DOCUMENT_EXTENSIONS = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/csv": "csv",
    "application/zip": "zip",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/rtf": "rtf",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
}
ANY = "application/octet-stream"  # a profile with this type accepts any file
VARIANT = "image/webp"
# Names that browsers, phones and older uploaders use for these types.
ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
DOCUMENT_ALIASES = {
    "application/x-zip-compressed": "application/zip",  # browsers on Windows
    "application/x-pdf": "application/pdf",
    "application/csv": "text/csv",
    "text/rtf": "application/rtf",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
}
ALL_ALIASES = ALIASES | DOCUMENT_ALIASES
# S3 and many clients write these if they do not know the type.
UNNAMED_TYPES = frozenset({"", "binary/octet-stream", ANY})
# Many browsers do not display these. A worker publishes a JPEG that it has made from them.
CONVERTED = frozenset({"image/avif", "image/heic", "image/heif"})
_ALL_EXTENSIONS = EXTENSIONS | DOCUMENT_EXTENSIONS
_TYPES = {extension: content_type for content_type, extension in _ALL_EXTENSIONS.items()}
_TYPES |= {"jpeg": "image/jpeg", "jpe": "image/jpeg", "jfif": "image/jpeg"}


def type_of(
    content_type: str, name: str, accepted: Container[str] = frozenset(EXTENSIONS)
) -> str | None:
    """Return the accepted type of a file or object, under the name that the broker signs.

    Letter case and parameters (RFC 9110, section 8.3.1) do not matter. If the content type names
    none, the extension of the file name or object key decides. Return None if the type is not
    accepted: an object that is served as HTML is not an image, even if its name ends in `.jpg`.

    Args:
        content_type: as the client or the object names it.
        name: the file name or object key.
        accepted: the types of the profile; by default all image types. With ANY among them, a file
            of any other type is accepted too, and is stored as ANY.
    """
    named = content_type.partition(";")[0].strip(" ").lower()
    if named in UNNAMED_TYPES:
        named = _TYPES.get(splitext(name)[1].lstrip(".").lower(), ANY)
    found = (one for one in (named, ALL_ALIASES.get(named), ANY) if one in accepted)
    return next(found, None)


def extension_of(content_type: str) -> str:
    """Return the extension of object keys with this content type; `bin` if the type has none."""
    return _ALL_EXTENSIONS.get(content_type, "bin")


def published_type(content_type: str) -> str:
    """Return the type of the image that a worker makes from a file of this type."""
    return "image/jpeg" if content_type in CONVERTED else content_type
