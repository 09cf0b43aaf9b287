"""Take out of a text what opens something: tokens, signatures, policies, capabilities.

The last line of defence. Nothing that is logged should have any of these; but a client may put
its token into a path, and a library may put a URL into an error.
"""

import re

# A backslash ends a value: in a line of JSON it may stand before the quote that does.
_SECRET = re.compile(
    r"(?P<uppy>/uppy/)[^/\s\"'?#\\]+"
    # A capability by its shape: where a client has put a blank, a quote or a slash before it.
    r"|\b[0-9a-f]{32}\.[\w-]{20,}"
    r"|eyJ[\w-]{8,}(?:\.[\w-]*)*={0,2}"
    r"|(?P<name>(?:signature|security-token)(?:\\?[\"'])?\s*[=:,]\s*(?:\\?[\"'])?)"
    r"[^\s\"'&,;\\]{16,}"
    r"|(?P<bearer>bearer\s+)[^\s\"',\\]{8,}",
    re.IGNORECASE | re.ASCII,
)


def redact(text: str) -> str:
    """Give the text with every secret's value replaced by an ellipsis."""
    # Most lines have none of these, and to look for them costs a tenth of the expression.
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
