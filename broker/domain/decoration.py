"""What only decorates a photo: its file name, alt text and order.

Texts are cleaned instead of refused, so that they never stop a photo.
"""

import re

ALT_TEXT_MAX = 500
NAME_MAX = 255
ORDER_MAX = 32767
_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
_BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_NOT_IN_LINES = re.compile(f"[{_CONTROLS}]")
_NOT_IN_NAMES = re.compile(f"[{_CONTROLS}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SEPARATORS = re.compile(r"[/\\]")


def clean_name(name: str) -> str:
    """Return the last segment of a path without control characters and direction marks.

    Lone surrogates and spaces around the name are removed, too. A long name keeps its end, because
    that has the extension. The result is empty if nothing is left, and for `.` and `..`.
    """
    last = _SEPARATORS.split(_NOT_IN_NAMES.sub("", name))[-1].strip()[-NAME_MAX:].strip()
    return "" if last in (".", "..") else last


def clean_line(text: str) -> str:
    """Return text in one line, without control characters and lone surrogates.

    Line breaks and tabs become spaces.
    """
    return _NOT_IN_LINES.sub("", _BREAKS.sub(" ", text))
