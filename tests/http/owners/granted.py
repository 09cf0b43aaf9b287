"""Callers with grants, and what the database holds."""

import time
from typing import Any

from flask import Flask
from sqlalchemy import select

from broker.db.models import Base
from tests.http.client import Client, token

PROFILES = """
[product_image]
prefix = "products/product_{owner}/"
content_types = ["image/jpeg", "image/png"]
max_bytes = "16MiB"
max_count = 200
ticket_ttl = 120

[gallery]
prefix = "galleries/{owner}/"
content_types = ["image/jpeg"]
max_count = 5

[logo]
prefix = "logos/{owner}/"
content_types = ["image/png", "image/jpeg"]
keeps_one = true
"""
BY_TOKEN = """
[ad_image]
owners = "token"
[avatar]
owners = "token"
"""
PRODUCT = "/api/owners/product_image/42"


def entry(owner: Any, *actions: str, profile: str = "product_image", **more: Any) -> dict[str, Any]:
    """Return one object of `authorization_details`; by default it grants `create`."""
    wanted = list(actions or ("create",))
    return {"type": "upload", "profile": profile, "owner": owner, "actions": wanted, **more}


def caller(app: Flask, sub: str | int, *entries: Any, **claims: Any) -> Client:
    """Return a caller whose token has these grants, and no claim without any."""
    details = list(entries) or None
    return Client(app, token(sub, **{"authorization_details": details, **claims}))


def ends_at(app: Flask, sub: str | int, seconds: float, *entries: Any) -> Client:
    """Return a caller whose token ends so many seconds from now."""
    return caller(app, sub, *entries, exp=int(time.time() + seconds))


def everything(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    with app.extensions["broker"].database.session() as session:
        found = {
            table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }
        session.rollback()
    return found
