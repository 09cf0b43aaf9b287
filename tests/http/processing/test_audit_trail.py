"""The audit trail of an upload that a worker processes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from broker.domain.rejections import RejectionReason
from broker.inspection.inspected import Inspected, Request
from broker.telemetry.context import context
from tests.http.client import Client
from tests.http.middleware.test_logs import lines as lines
from tests.http.worker import Worker, processing, read, rejecting, scripted

Lines = Callable[[], list[dict[str, Any]]]


def as_jpeg(request: Request, *, keep: Any) -> Inspected:
    """Return a JPEG, whatever was sent."""
    return scripted(replace(request, content_type="image/jpeg"), keep=keep)


def test_its_lines_name_the_user_the_key_of_the_image_and_the_reason_of_a_rejection(
    app: Flask,
    alice: Client,
    worker: Worker,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ad = alice.ad()
    heic = processing(alice, ad, content_type="image/heic", file_name="a.heic")
    corrupt = processing(alice, ad)
    monkeypatch.setattr(context, "via", "worker")
    for inspect in (as_jpeg, rejecting(RejectionReason.CORRUPT)):
        worker.inspect = inspect
        worker.next()
    audit = [line for line in lines() if line["logger"] == "broker.audit"]
    assert [(line["message"], line["upload_id"], line["via"]) for line in audit] == [
        ("ticket.issued", heic["id"], "api"),
        ("upload.arrived", heic["id"], "api"),
        ("ticket.issued", corrupt["id"], "api"),
        ("upload.arrived", corrupt["id"], "api"),
        ("upload.confirmed", heic["id"], "worker"),
        ("upload.rejected", corrupt["id"], "worker"),
    ]
    confirmed, rejected = audit[-2:]
    assert {(line["user"], line["role"]) for line in audit} == {(1, "user")}
    assert confirmed["key"] == read(alice, heic)["image"]["image"]
    assert confirmed["key"].endswith(".jpg")
    assert rejected["detail"].startswith("corrupt: ")
