"""The name under which a browser saves a file."""

from posixpath import splitext

from broker.domain.media_types import CONVERTED, extension_of, type_of


def download_name(file_name: str, content_type: str) -> str:
    """Return the name that a file was sent with.

    If a worker has made a JPEG from it, the name gets the JPEG's extension.
    """
    if content_type in CONVERTED or type_of("", file_name) not in CONVERTED:
        return file_name
    return f"{splitext(file_name)[0]}.{extension_of(content_type)}"
