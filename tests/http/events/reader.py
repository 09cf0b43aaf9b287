"""A backend that reads the feed, and what it expects there."""

import json
import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from sqlalchemy import select

from broker.db.models import Event
from tests.http.client import JPEG, Client, declared, token

# Each occurs in a token, a ticket or a row of these tests. Whole words, because the random suffix
# of a key may contain a short one.
PERSONAL = re.compile(r"\b(John|Doe|\w*@example\.com|main\.jpg|Rechnung)\b")


@dataclass
class Reader:
    """A service that remembers its position in the feed."""

    client: Client
    cursor: str | None = None

    @classmethod
    def of(cls, app: Flask) -> "Reader":
        return cls(Client(app, token("backend", role="service")))

    def new(self, limit: int = 100) -> list[dict[str, Any]]:
        """Return the events since the last call."""
        query = {"limit": limit} | ({} if self.cursor is None else {"after": self.cursor})
        answer = self.client.get("/api/events/", query_string=query)
        assert answer.status_code == 200, answer.text
        self.cursor = answer.get_json()["next_cursor"]
        return list(answer.get_json()["results"])

    def files(self, limit: int = 100, **query: Any) -> list[dict[str, Any]]:
        """Return all published files, page by page."""
        found: list[dict[str, Any]] = []
        query["limit"] = limit
        while True:
            answer = self.client.get("/api/files/", query_string=query)
            assert answer.status_code == 200, answer.text
            found += answer.get_json()["results"]
            if answer.get_json()["next_cursor"] is None:
                return found
            query["after"] = answer.get_json()["next_cursor"]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def whole(image: dict[str, Any], data: bytes = JPEG) -> dict[str, Any]:
    """Return an image of the API as an event has it."""
    of_file = declared(data)
    return {
        **{name: value for name, value in image.items() if name != "uploads"},
        "content_type": of_file["content_type"],
        "size": of_file["size"],
        "checksum_sha256": of_file["checksum_sha256"],
    }


def stored(app: Flask) -> list[dict[str, Any]]:
    """Return the stored texts of all events; none has anything personal."""
    with app.extensions["broker"].database.session() as session:
        texts = session.scalars(select(Event.data).order_by(Event.id)).all()
    found = [text for text in texts if PERSONAL.search(text)]
    assert found == []
    return [json.loads(text) for text in texts]
