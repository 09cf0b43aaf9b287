"""Which types of images the installed decoders can read."""

from importlib.util import find_spec

import pyvips

_LOADERS = {
    "image/jpeg": "jpegload",
    "image/png": "pngload",
    "image/webp": "webpload",
    "image/gif": "gifload",
    "image/avif": "heifload",
}


def readable_types() -> list[str]:
    """Return the content types that this installation can inspect."""
    found = [
        content_type
        for content_type, loader in _LOADERS.items()
        if pyvips.type_find("VipsOperation", loader) != 0
    ]
    return found + (["image/heic", "image/heif"] if find_spec("pi_heif") else [])
