"""Sends the requests that Uppy sends: sessions, forms, parts."""

from typing import Any
from urllib.parse import quote

import httpx

from tests.http.client import JPEG, Client
from tests.http.part_uploads import MIB, part

LARGE = b"\xff\xd8\xff" + b"p" * (6 * MIB)


def open_session(client: Client, ad: int, **limits: int) -> dict[str, Any]:
    answer = client.post(f"/api/ads/{ad}/uppy_session/", limits or None)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def path(session: dict[str, Any], rest: str) -> str:
    return str(session["endpoint"]).removeprefix("http://localhost") + rest


def params(anyone: Client, session: dict[str, Any], **query: str) -> Any:
    asked = {"filename": "photo.jpg", "type": "image/jpeg", **query}
    return anyone.get(path(session, "s3/params"), query_string=asked)


def send_form(parameters: dict[str, Any], data: bytes = JPEG) -> httpx.Response:
    return httpx.post(
        parameters["url"], data=parameters["fields"], files={"file": ("x", data)}, timeout=20
    )


def begin(anyone: Client, session: dict[str, Any], **body: Any) -> dict[str, Any]:
    asked = {"filename": "photo.jpg", "type": "image/jpeg", "metadata": {"name": "x"}, **body}
    answer = anyone.post(path(session, "s3/multipart"), asked)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.get_json()
    return made


def of(made: dict[str, Any], rest: str = "") -> str:
    return f"s3/multipart/{made['uploadId']}{rest}?key={quote(made['key'], safe='')}"


def send_parts(anyone: Client, session: dict[str, Any], made: dict[str, Any]) -> list[Any]:
    named = []
    for number in (1, 2):
        url = anyone.get(path(session, of(made, f"/{number}"))).get_json()["url"]
        sent = httpx.put(url, content=part(LARGE, number), timeout=20)
        assert sent.status_code == 200, sent.text
        named.append({"PartNumber": number, "ETag": sent.headers["etag"].strip('"')})
    return named


def refused(answer: Any, status: int, code: str) -> None:
    """Check that a refusal is a problem and also has the fields that Uppy reads."""
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (status, code), answer.text
    assert problem["error"].startswith(problem["detail"])
    assert problem["message"] == problem["error"]
