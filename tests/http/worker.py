"""A worker in the process of the test, and what it inspects files with.

`scripted` accepts every file without looking at it. `real` decodes it in a child process.
"""

import base64
import functools
import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask

from broker.domain.rejections import RejectionReason
from broker.inspection.confinement import ChildLimits
from broker.inspection.inspected import Inspected, OutputFile, Rejected, Request
from broker.inspection.sandbox import inspect_in_child
from broker.services.processing.process import Inspect, Outcome, Tools, process_next
from broker.storage.factory import object_files
from broker.storage.object_files import ObjectFiles
from tests.http.client import JPEG, Client, send

WIDTH, HEIGHT = 1200, 900
THUMBHASH = "1QcSHQRnh493V4dIh4eXh1h4kJUI"
LIMITS = ChildLimits(
    memory_bytes=2 * 2**30, cpu_seconds=30, wall_seconds=60, file_bytes=256 * 2**20
)
real: Inspect = functools.partial(inspect_in_child, limits=LIMITS)


def scripted(request: Request, *, keep: Any) -> Inspected:
    """Return the file as it is, as an image of 1200 x 900 pixels, with variants that are text."""
    keep()
    data = request.source.read_bytes()
    return Inspected(
        image=_output(request, "image", data, request.content_type, WIDTH),
        thumbhash=THUMBHASH,
        variants=tuple(
            _output(request, f"w{width}", f"variant {width}".encode(), "image/webp", width)
            for width in request.variant_widths
            if width < WIDTH
        ),
    )


def _output(request: Request, name: str, data: bytes, content_type: str, width: int) -> OutputFile:
    path = request.directory / name
    path.write_bytes(data)
    return OutputFile(
        path=path,
        content_type=content_type,
        width=width,
        height=width * HEIGHT // WIDTH,
        size=len(data),
        checksum_sha256=base64.b64encode(hashlib.sha256(data).digest()).decode(),
    )


def as_jpeg(request: Request, *, keep: Any) -> Inspected:
    """Return a JPEG, whatever was sent."""
    return scripted(replace(request, content_type="image/jpeg"), keep=keep)


def rejecting(reason: RejectionReason) -> Inspect:
    """Return an inspection that rejects every file."""

    def inspect(request: Request, *, keep: Any) -> Inspected:
        raise Rejected(reason)

    return inspect


def sent(client: Client, ad: int, data: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    """Request a ticket and send its file; return the ticket."""
    ticket: dict[str, Any] = client.ticket(ad, data, **changes).get_json()
    assert send(ticket, data).status_code == 201
    return ticket


def processing(client: Client, ad: int, data: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    """Return the ticket of an upload that waits for a worker."""
    ticket = sent(client, ad, data, **changes)
    assert client.post(ticket["confirm_url"]).status_code == 202
    return ticket


def read(client: Client, ticket: dict[str, Any]) -> dict[str, Any]:
    """Return the upload of a ticket."""
    answer = client.get(f"/api/uploads/{ticket['id']}/")
    assert answer.status_code == 200, answer.text
    upload: dict[str, Any] = answer.get_json()
    return upload


@dataclass
class Worker:
    """Processes the uploads of an app in this process. Change `inspect` to change what it finds."""

    app: Flask
    directory: Path
    inspect: Inspect = scripted
    files: ObjectFiles | None = None
    now: datetime | None = None
    outcomes: list[Outcome] = field(default_factory=list)

    def next(self) -> Outcome | None:
        """Process the upload that has been due for longest; None if none is due."""
        broker = self.app.extensions["broker"]
        if self.files is None:
            self.files = object_files(broker.settings)
        tools = Tools(
            files=self.files, inspect=self.inspect, directory=self.directory, now=self.now
        )
        outcome = process_next(broker, tools)
        if outcome is not None:
            self.outcomes.append(outcome)
        return outcome

    def run(self) -> list[Outcome]:
        """Process all uploads that are due; return what became of them."""
        found = []
        while (outcome := self.next()) is not None:
            found.append(outcome)
        return found
