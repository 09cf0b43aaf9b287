"""A completion that is overtaken by another one returns the same image."""

from typing import Any

import pytest
from flask import Flask

from broker.storage.multipart import S3Multipart
from tests.http.client import EACH_SERVER, Client
from tests.http.multipart.test_multipart_ends import app as app
from tests.http.multipart.test_multipart_ends import reap, sent

pytestmark = EACH_SERVER


def test_a_completion_returns_the_image_that_another_one_has_just_recorded(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = sent(alice)
    really = S3Multipart.list_parts
    recorded: list[Any] = []

    def overtaken(*args: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(S3Multipart, "list_parts", really)
            recorded.append(alice.post(ticket["upload"]["complete_url"]).get_json())
        reap(app)  # deletes what the client sent
        return really(*args)

    monkeypatch.setattr(S3Multipart, "list_parts", overtaken)
    answer = alice.post(ticket["upload"]["complete_url"])
    assert (answer.status_code, answer.get_json()) == (200, recorded[0])
