"""An app whose import waits until the pipe IMPORT_MAY_END is closed; it reports SIGTERM."""

import os
import signal
from pathlib import Path
from typing import Any

_inherited = signal.getsignal(signal.SIGTERM)


def _say(number: int, frame: Any) -> None:
    os.write(1, b"signalled\n")
    if callable(_inherited):
        _inherited(number, frame)


signal.signal(signal.SIGTERM, _say)
os.write(1, b"importing\n")
Path(os.environ["IMPORT_MAY_END"]).read_bytes()


def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer each request with 200."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"here"]
