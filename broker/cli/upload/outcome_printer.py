"""Print the outcome of each file of `broker upload`: a line with its URL, or a JSON object."""

import dataclasses
import json
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click
from broker_client import BrokerError, Outcome, S3Refused, UploadRejected

from broker.cli.printable import printable


class OutcomePrinter:
    """Prints each outcome as soon as it is known; on a terminal, after the progress bars."""

    def __init__(self, files: Sequence[Path], *, as_json: bool) -> None:
        self._files = files
        self._as_json = as_json
        self._lock = threading.Lock()
        self._later: list[tuple[str, bool]] | None = [] if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for line, is_error in self._later or ():
            click.echo(line, err=is_error)

    def done(self, outcome: Outcome) -> None:
        """Print one outcome. Several threads may call this."""
        file = self._files[outcome.index]
        if self._as_json:
            lines = [(json.dumps(_as_json(file, outcome)), False)]
        elif outcome.image is not None:
            shown = outcome.image.image_url or outcome.image.image
            lines = [(f"{printable(str(file))}\t{shown}", False)]
        else:
            lines = []
        if outcome.error is not None:
            lines.append((f"broker: {printable(str(file))}: {outcome.error}", True))
        with self._lock:
            for line, is_error in lines:
                if self._later is None:
                    click.echo(line, err=is_error)
                else:
                    self._later.append((line, is_error))


def _as_json(file: Path, outcome: Outcome) -> dict[str, Any]:
    shared: dict[str, Any] = {"file": str(file), "upload_id": outcome.upload_id}
    if outcome.image is not None:
        image = dataclasses.asdict(outcome.image)
        image["created_at"] = outcome.image.created_at.isoformat()
        return {**shared, "status": "uploaded", "image": image}
    error = outcome.error
    detail = error.detail if isinstance(error, BrokerError) else str(error)
    about = {"code": _code(error), "detail": detail}
    if isinstance(error, UploadRejected):
        about["reason"] = error.reason or ""
    return {**shared, "status": "failed", "error": about}


def _code(error: Exception | None) -> str:
    """Return the broker's or S3's code, or the error's name, for example `network_error`."""
    if isinstance(error, BrokerError | S3Refused):
        return error.code
    if isinstance(error, OSError):
        return "file_unreadable"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(error).__name__).lower()
