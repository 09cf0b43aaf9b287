"""Standard error receives whole lines, in writes that a pipe does not split."""

import io
import logging
from select import PIPE_BUF

import pytest

from broker.telemetry import logs
from broker.telemetry.logs import JsonLine, WholeLines


class Writes(io.RawIOBase):
    """Stores the bytes of each call of write(2)."""

    def __init__(self) -> None:
        self.made: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.made.append(bytes(data))  # type: ignore[call-overload]
        return len(self.made[-1])


@pytest.mark.parametrize("lines", [1, 2, 50, 1000])
def test_lines_are_written_so_that_other_processes_cannot_split_them(
    lines: int,
) -> None:
    writes = Writes()
    stderr = io.TextIOWrapper(io.BufferedWriter(writes), line_buffering=True)
    logger = logging.Logger("broker.audit")
    handler = logging.StreamHandler(WholeLines(stderr))
    handler.setFormatter(JsonLine())
    logger.addHandler(handler)
    logs.write(logger, "ticket.issued", *[{"number": n, "key": "k" * 300} for n in range(lines)])
    assert all(len(written) <= PIPE_BUF for written in writes.made)
    assert all(written.endswith(b"\n") for written in writes.made)
    whole = b"".join(writes.made).splitlines(keepends=True)
    assert len(whole) == lines
    room = PIPE_BUF - max(len(line) for line in whole)
    assert len(writes.made) <= 1 + sum(len(line) for line in whole) // room, "not each by itself"


def test_a_line_longer_than_a_pipe_takes_is_written_at_once() -> None:
    writes = Writes()
    lines = WholeLines(io.TextIOWrapper(io.BufferedWriter(writes)))
    lines.write(f"a\n{'b' * PIPE_BUF}\nc\n")
    lines.flush()
    assert writes.made == [b"a\n", b"b" * PIPE_BUF + b"\n", b"c\n"]
