"""Parse `traceparent` (W3C Trace Context, section 3.2). Only the trace id is used.

The header is not trusted. It only links log lines.
"""

import re

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?", re.ASCII)


def trace_id_of(header: str | None) -> str | None:
    """Return the trace id of a valid header, otherwise None.

    Version ff and ids of only zeros are invalid. Version 00 ends after the flags; higher versions
    may continue after a dash. Several headers arrive joined by commas, which is invalid, too.
    """
    if header is None:
        return None
    found = _PARENT.fullmatch(header)
    if found is None:
        return None
    version, trace_id, parent_id, rest = found.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    if trace_id == "0" * 32 or parent_id == "0" * 16:
        return None
    return trace_id
