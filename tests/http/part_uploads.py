"""A client of multipart uploads: splits, signs, sends and completes."""

import base64
import hashlib
import random
from collections.abc import Iterable
from typing import Any

import httpx
from werkzeug.test import TestResponse

from tests.http.client import Client

MIB = 1024 * 1024
PART = 5 * MIB
LARGE = random.Random(3).randbytes(11 * MIB)  # three parts


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def part(data: bytes, number: int, size: int = PART) -> bytes:
    return data[(number - 1) * size : number * size]


def multipart_ticket(client: Client, data: bytes = LARGE, **changes: Any) -> dict[str, Any]:
    answer = client.ticket(client.ad(), data, transport="multipart", **changes)
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.get_json()
    return ticket


def ask(
    client: Client,
    ticket: dict[str, Any],
    numbers: Iterable[int],
    data: bytes = LARGE,
    *,
    pinned: bool = True,
) -> TestResponse:
    """Request URLs of parts, with digests if the parts should be pinned."""
    wanted: list[dict[str, Any]] = [{"part_number": number} for number in numbers]
    if pinned:
        for one in wanted:
            one["checksum_sha256"] = digest(part(data, one["part_number"]))
    return client.post(ticket["upload"]["parts_url"], {"parts": wanted})


def signed(*args: Any, **kwargs: Any) -> list[dict[str, Any]]:
    answer = ask(*args, **kwargs)
    assert answer.status_code == 200, answer.text
    parts: list[dict[str, Any]] = answer.get_json()["parts"]
    return parts


def put_part(url: dict[str, Any], data: bytes) -> httpx.Response:
    return httpx.put(url["url"], content=data, headers=url["headers"], timeout=30, verify=False)


def put_parts(urls: list[dict[str, Any]], data: bytes = LARGE) -> None:
    for url in urls:
        answer = put_part(url, part(data, url["part_number"]))
        assert answer.status_code == 200, answer.text
