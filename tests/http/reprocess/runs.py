"""Runs `reprocess` in the process of a test, on images that were published without inspection."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from broker.inspection.inspected import Inspected, Request
from broker.services.processing.process import Inspect, Tools
from broker.services.processing.reprocess import Reprocessed, Selection, reprocess
from broker.storage.factory import object_files
from tests.http.client import Client, declared, send
from tests.http.worker import scripted, sent


def confirmed(client: Client, ad: int, data: bytes, **changes: Any) -> dict[str, Any]:
    ticket = sent(client, ad, data, **changes)
    answer = client.post(ticket["confirm_url"])
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def avatar_of(client: Client, data: bytes) -> dict[str, Any]:
    ticket = client.post("/api/users/1/upload_avatar/", declared(data)).get_json()
    send(ticket, data)
    return dict(client.post(ticket["confirm_url"]).get_json())


def cleaning(request: Request, *, keep: Any) -> Inspected:
    """Return the file without its last byte, as if that were its metadata."""
    data = request.source.read_bytes()
    request.source.write_bytes(data.removesuffix(b"#"))
    return scripted(request, keep=keep)


def reprocessed(
    app: Flask,
    directory: Path,
    *,
    inspect: Inspect = scripted,
    files: Any = None,
    is_stopping: Callable[[], bool] = lambda: False,
    **selection: Any,
) -> list[Reprocessed]:
    broker = app.extensions["broker"]
    tools = Tools(
        files=files or object_files(broker.settings),
        inspect=inspect,
        directory=directory,
        is_stopping=is_stopping,
    )
    return list(reprocess(broker, tools, Selection(**selection)))


def results(found: list[Reprocessed]) -> dict[int, str]:
    return {one.image_id: one.result.value for one in found}
