"""Redact secrets in a text: tokens, signatures, policies, capability URLs.

This is the last line of defence. Log lines should not contain secrets, but a client may put its
token into a path, and a library may put a URL into an error.
"""

import re

# A backslash ends a value, because in JSON it may precede the closing quote.
_SECRET = re.compile(
    r"(?P<uppy>/uppy/)[^/\s\"'?#\\]+"
    # Match a capability by its shape: a client may have put a space, a quote or a slash before it.
    r"|\b[0-9a-f]{32}\.[\w-]{20,}"
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*={0,2}"
    r"|(?P<name>(?:signature|security-token)(?:\\?[\"'])?\s*[=:,]\s*(?:\\?[\"'])?)"
    r"[^\s\"'&,;\\]{16,}"
    r"|(?P<bearer>bearer\s+)[^\s\"',\\]{8,}",
    re.IGNORECASE | re.ASCII,
)


def redact(text: str) -> str:
    """Return the text with the value of every secret replaced by an ellipsis."""
    # Most lines contain no such text. This check takes a tenth of the expression's time.
    if (
        "eyJ" in text
        or "ignature" in text
        or "ecurity-" in text
        or "earer" in text
        or "/uppy/" in text
    ):
        return _SECRET.sub(_without_value, text)
    return text


def _without_value(found: re.Match[str]) -> str:
    return (found["uppy"] or found["name"] or found["bearer"] or "") + "\u2026"
