"""The task that the parent sends to its child process, as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from broker.inspection.confinement import ChildLimits
from broker.inspection.inspected import Request


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of a child process.

    Attributes:
        parent: the parent's process id; a child whose parent has died ends.
        directory: the only directory that the child may write to.
        limits: what it may use.
        request: the file to inspect. None: the child describes itself.
    """

    parent: int
    directory: Path
    limits: ChildLimits
    request: Request | None

    def to_json(self) -> bytes:
        """Return the task as the child reads it."""
        return json.dumps(asdict(self), default=str).encode()


def read_task(text: bytes) -> Task:
    """Return the task of this JSON, which the parent wrote."""
    values = json.loads(text)
    request = values["request"]
    return Task(
        parent=values["parent"],
        directory=Path(values["directory"]),
        limits=ChildLimits(**values["limits"]),
        request=request and _read_request(request),
    )


def _read_request(values: dict[str, Any]) -> Request:
    paths = {name: Path(values[name]) for name in ("source", "directory")}
    widths = tuple(values["variant_widths"])
    return Request(**{**values, **paths, "variant_widths": widths})
