"""The Content-Disposition of a download (RFC 6266, with RFC 8187 for names of any script)."""

import re
import unicodedata
from urllib.parse import quote

from broker.domain.decoration import clean_name

DEFAULT_NAME = "file"
# Most file systems refuse longer names. The header and the URL that signs it stay below 2 KiB.
NAME_MAX_BYTES = 255
# Not printable ASCII, or special in the quoted string, in old browsers or in file systems.
_NOT_IN_FALLBACK = re.compile(r'[^ -~]|["%*/:<>?\\|]')


def attachment(file_name: str) -> str:
    """Return the header that lets a browser save a file under its name and never display it.

    `filename` is an ASCII fallback for old clients, and `filename*` the name itself, in UTF-8. A
    name that is too long keeps its end, because that has the extension. If nothing is left of the
    name, it is `file`.
    """
    name = _shortened(clean_name(file_name)) or DEFAULT_NAME
    return f"attachment; filename=\"{_fallback(name)}\"; filename*=UTF-8''{quote(name, safe='')}"


def _shortened(name: str) -> str:
    return name.encode()[-NAME_MAX_BYTES:].decode(errors="ignore").strip()


def _fallback(name: str) -> str:
    """Return the name without accents, and with `_` for each character that stays special."""
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _NOT_IN_FALLBACK.sub("_", plain).strip() or DEFAULT_NAME
