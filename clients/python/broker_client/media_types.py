"""Media types by name and by file extension: images, and what only private profiles accept.

The tests compare these tables, the JS client's and the broker's with tests/media_types.json.
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
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "rtf": "application/rtf",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "m4a": "audio/mp4",
    "wav": "audio/wav",
    "ogg": "audio/ogg",
}
ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "application/x-zip-compressed": "application/zip",
    "application/x-pdf": "application/pdf",
    "application/csv": "text/csv",
    "text/rtf": "application/rtf",
    "audio/mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
}
ANY = "application/octet-stream"  # a profile with this type accepts any file
UNNAMED_TYPES = frozenset({"", "binary/octet-stream", ANY})


def content_type_of(file_name: str, given: str | None = None) -> str | None:
    """Return a file's media type: the given one, otherwise that of the file name's extension.

    Aliases, letter case and parameters are resolved as the broker does. Return None if the given
    type is missing or `application/octet-stream`, and the extension is unknown.
    """
    named = (given or "").partition(";")[0].strip(" ").lower()
    if named not in UNNAMED_TYPES:
        return ALIASES.get(named, named)
    return CONTENT_TYPES.get(splitext(file_name)[1].lstrip(".").lower())
