"""The broker's log: one JSON object a line on standard error.

ASCII alone, so that neither CR, LF nor the line breaks that Unicode has besides can end a line.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from select import PIPE_BUF
from typing import TextIO

import orjson

from broker.telemetry.context import context
from broker.telemetry.redaction import redact

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class JsonLine(logging.Formatter):
    """Write time, level, logger and message, the request's ids, and what the record adds."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, or one for each of a record's `lines`, without what no log may have."""
        time = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, object] = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if context.request_id is not None:
            fields["request_id"] = context.request_id
            fields["trace_id"] = context.trace_id or ""
        lines: Sequence[Mapping[str, object]] | None = record.__dict__.get("lines")
        if lines is None:
            lines = [{k: v for k, v in record.__dict__.items() if k not in _STANDARD}]
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        text = redact("\n".join([_written({**fields, **line}) for line in lines]))
        return text if text.isascii() else text.encode("ascii", "backslashreplace").decode()


def _written(fields: Mapping[str, object]) -> str:
    """Write JSON in ASCII; orjson does it ten times as fast, where all of it is ASCII already."""
    try:
        line = orjson.dumps(fields, default=str).decode()
    except orjson.JSONEncodeError:  # half a character, or a number of more than 64 bits
        return _encode(fields)
    return line if line.isascii() else _encode(fields)


class WholeLines:
    """Hands text to a stream so that no other process's lines come in between those of it.

    A server's processes share one pipe, and a write of more than PIPE_BUF bytes to it may be cut
    in two by another's (pipe(7)): fifty lines of a batch are more. A single line that is longer
    is written as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write ASCII, which has as many bytes as characters."""
        piece = ""
        for line in text.splitlines(keepends=True):
            if len(piece) + len(line) > PIPE_BUF:
                self._write(piece)
                piece = ""
            piece += line
        self._write(piece)

    def _write(self, piece: str) -> None:
        if piece:
            self._stream.write(piece)
            self._stream.flush()

    def flush(self) -> None:
        """Do nothing: each piece was flushed."""


def configure() -> None:
    """Write what loggers below `broker` say; a second call changes nothing."""
    # Of no use in a line, and found anew for each record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger("broker")
    if not root.handlers:
        handler = logging.StreamHandler(WholeLines(sys.stderr))
        handler.setFormatter(JsonLine())
        root.addHandler(handler)
        root.setLevel(logging.INFO)


def write(logger: logging.Logger, message: str, *lines: Mapping[str, object]) -> None:
    """Log lines of one message at INFO, all at once; one without fields where none are given.

    It looks for neither the caller's file nor its line, which takes 3 µs.
    """
    if logger.isEnabledFor(logging.INFO):
        record = logger.makeRecord(logger.name, logging.INFO, "", 0, message, (), None)
        record.lines = lines or ({},)
        logger.handle(record)
