"""The broker's log: one JSON object per line on standard error.

It is ASCII only, so that no line break of any kind, including Unicode's, can end a line early.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from select import PIPE_BUF
from typing import TextIO

import orjson

from broker.telemetry.context import context
from broker.telemetry.redaction import redact

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class JsonLine(logging.Formatter):
    """Formats time, level, logger, message, the request's ids and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, or one for each of the record's `lines`, with secrets redacted."""
        second, microsecond = divmod(round(record.created * 1_000_000), 1_000_000)
        fields: dict[str, object] = {
            "time": f"{_utc(second)}.{microsecond // 1000:03d}+00:00",
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
        text = redact("\n".join([_to_json({**fields, **line}) for line in lines]))
        return text if text.isascii() else text.encode("ascii", "backslashreplace").decode()


@lru_cache(maxsize=2)
def _utc(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def _to_json(fields: Mapping[str, object]) -> str:
    """Return ASCII JSON. orjson is ten times as fast, but does not escape other characters."""
    try:
        line = orjson.dumps(fields, default=str).decode()
    except orjson.JSONEncodeError:  # a lone surrogate, or a number of more than 64 bits
        return _encode(fields)
    return line if line.isascii() else _encode(fields)


class WholeLines:
    """A stream whose lines are never mixed with lines of other processes.

    A server's processes share one pipe. A write of more than PIPE_BUF bytes may be interrupted by
    another process (pipe(7)), and the fifty lines of a batch are longer. So lines are written in
    pieces of at most PIPE_BUF bytes. A longer single line is written unchanged.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write ASCII text, in which a character is one byte."""
        if len(text) <= PIPE_BUF:
            self._write(text)
            return
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
        """Do nothing, because `write` flushes each piece."""


def configure() -> None:
    """Set up the handler of the logger `broker`. A second call changes nothing.

    `logging.logProcesses` stays True. Without it, a record takes one microsecond less, but gunicorn
    prints a traceback because its format needs the process id.
    """
    root = logging.getLogger("broker")
    if not root.handlers:
        handler = logging.StreamHandler(WholeLines(sys.stderr))
        handler.setFormatter(JsonLine())
        root.addHandler(handler)
        root.setLevel(logging.INFO)


def write(logger: logging.Logger, message: str, *lines: Mapping[str, object]) -> None:
    """Log one or more lines with the same message at INFO, in one record.

    Unlike `Logger.info`, it does not look up the caller's file and line, which takes 3 µs.
    """
    if logger.isEnabledFor(logging.INFO):
        record = logger.makeRecord(logger.name, logging.INFO, "", 0, message, (), None)
        record.lines = lines or ({},)
        logger.handle(record)
