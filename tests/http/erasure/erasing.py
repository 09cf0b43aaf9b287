"""Erase users and owners, let the outbox finish, and look at what is left."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Text, cast, or_, select

from broker.db.models import Base
from broker.services.background.reap import reap_once
from tests.http.client import Client, declared, send, token

# Longer than any signature and any attempt to publish.
DAYS = timedelta(days=3)
# Nothing of it is left in object keys, which have letters from a to z only.
NAME = "Эрика Мустерманн.jpg"
ALT_TEXT = "Erika in front of her house"
EMAIL = "erika@example.com"
FORGOTTEN = ("Erika", "Mustermann", "Эрика")


def seconds_from_now(seconds: float) -> int:
    return int(time.time() + seconds)


def issued(app: Flask, sub: str | int, seconds: float = -60, **claims: Any) -> Client:
    """Return a caller whose token was issued so many seconds from now."""
    return Client(app, token(sub, iat=seconds_from_now(seconds), **claims))


def erika(app: Flask, sub: str | int = 1, seconds: float = -60, **claims: Any) -> Client:
    """Return a user whose token, issued a minute ago, has an email and names."""
    names = {"email": EMAIL, "first_name": "Erika", "last_name": "Mustermann"}
    return issued(app, sub, seconds, **{**names, **claims})


def erase(service: Client, path: str) -> dict[str, Any]:
    """Erase what a path names, and return the erasure."""
    answer = service.delete(path)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.get_json()
    assert answer.headers["Location"] == f"/api/erasures/{found['id']}/"
    return found


def state(service: Client, erasure: dict[str, Any]) -> dict[str, Any]:
    answer = service.get(f"/api/erasures/{erasure['id']}/")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def reap(app: Flask, after: timedelta = timedelta()) -> None:
    broker = app.extensions["broker"]
    with broker.system_work(now=datetime.now(UTC) + after) as work:
        reap_once(work)


def published(client: Client, path: str, **changes: Any) -> dict[str, Any]:
    """Request a ticket at a path, send the file and confirm it; return the ticket."""
    texts = {"file_name": NAME, "alt_text": ALT_TEXT}
    answer = client.post(path, declared(**{**texts, **changes}))
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.get_json()
    assert send(ticket).status_code == 201
    confirmed = client.post(ticket["confirm_url"])
    assert confirmed.status_code in (200, 202), confirmed.text
    return {**ticket, "image": confirmed.get_json()}


def texts_left(app: Flask, words: tuple[str, ...] = FORGOTTEN) -> list[str]:
    """Return the columns with one of the words in any row, except for object keys."""
    found = []
    with app.extensions["broker"].database.session() as session:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if "key" in column.name:
                    continue
                text = cast(column, Text)
                has_word = or_(*(text.contains(word) for word in words))
                if session.scalar(select(column).where(has_word).limit(1)) is not None:
                    found.append(f"{table.name}.{column.name}")
        session.rollback()
    return found
