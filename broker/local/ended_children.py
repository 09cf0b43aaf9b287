"""What `broker dev` reads from the log of `broker background`: which of its processes ended."""

import json
from collections.abc import Iterator
from pathlib import Path

LOGGER = "broker.supervisor"


class EndedChildren:
    """New lines of the supervisor in a log file. Other lines are skipped."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def messages(self) -> Iterator[str]:
        """Yield the messages that were logged since the last call."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # its end is not written yet
                self._read += len(line)
                if LOGGER.encode() in line:
                    yield from _message(line)


def _message(line: bytes) -> Iterator[str]:
    try:
        found = json.loads(line)
    except ValueError:
        return
    if isinstance(found, dict) and found.get("logger") == LOGGER:
        yield str(found.get("message"))
