"""Which types of images the installed decoders can read."""

import pyvips

from broker.inspection.convert import reads_heic

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
    return found + (["image/heic", "image/heif"] if reads_heic() else [])
