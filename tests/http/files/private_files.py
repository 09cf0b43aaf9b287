"""Profiles for the tests of files, callers with grants, and what a browser gets from a URL."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from flask import Flask

from tests.http.client import Client, declared, send
from tests.http.owners.granted import caller, entry

PDF = b"%PDF-1.7 an invoice for order 7"
PROFILES = """
[product_image]
prefix = "products/product_{owner}/"
content_types = ["image/jpeg"]
max_count = 2

[invoice]
prefix = "invoices/order_{owner}/"
content_types = ["application/pdf", "text/csv"]
visibility = "private"
inspection = "off"
max_count = 0

[contract]
prefix = "contracts/user_{owner}/"
content_types = ["application/pdf"]
visibility = "private"
inspection = "off"
keeps_one = true

[damage_photo]
prefix = "claims/claim_{owner}/"
content_types = ["image/jpeg", "image/heic"]
visibility = "private"
variants = [320, 800]
"""
ALL = ("create", "update", "delete", "read")


@dataclass
class Owner:
    """An owner of files, and a caller with a token for it."""

    client: Client
    profile: str
    name: str

    @property
    def path(self) -> str:
        return f"/api/owners/{self.profile}/{self.name}/"

    def send(self, data: bytes = PDF, **changes: Any) -> dict[str, Any]:
        """Request a ticket and send the file; return the ticket."""
        body = {"file_name": "Rechnung.pdf", "content_type": "application/pdf", **changes}
        answer = self.client.post(f"{self.path}uploads/", declared(data, **body))
        assert answer.status_code == 201, answer.text
        ticket: dict[str, Any] = answer.get_json()
        assert send(ticket, data).status_code == 201
        return ticket

    def add(self, data: bytes = PDF, **changes: Any) -> dict[str, Any]:
        """Send a file and confirm it; return the answer of the confirm."""
        ticket = self.send(data, **changes)
        answer = self.client.post(ticket["confirm_url"])
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    def files(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.client.get(f"{self.path}files/", query_string=query)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.get_json()["results"]
        return found

    def pages(self, limit: int) -> Iterator[list[dict[str, Any]]]:
        """Yield every page of the files."""
        query: dict[str, Any] = {"limit": limit}
        while True:
            answer = self.client.get(f"{self.path}files/", query_string=query).get_json()
            yield answer["results"]
            if answer["next_cursor"] is None:
                return
            query["cursor"] = answer["next_cursor"]


def granted(app: Flask, profile: str, owner: str, *actions: str, sub: int = 1) -> Client:
    """Return a client with a grant for one owner; all actions unless some are named."""
    return caller(app, sub, entry(owner, *(actions or ALL), profile=profile))


def owner_of(app: Flask, profile: str, owner: str = "7", *actions: str, sub: int = 1) -> Owner:
    """Return an owner, with a grant for all actions unless some are named."""
    return Owner(granted(app, profile, owner, *actions, sub=sub), profile, owner)


def download(url: str) -> httpx.Response:
    return httpx.get(url, verify=False)
