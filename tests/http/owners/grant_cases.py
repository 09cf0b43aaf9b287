"""Grants, requests and answers: the cases of `test_grant_cases.py`."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from tests.http.client import Client, declared, send, token
from tests.http.owners.granted import PRODUCT, caller, ends_at, entry
from tests.http.uppy_calls import begin, of, path

OWNER_64, OWNER_65 = "a" * 64, "a" * 65
ADA, BEN = "ada", "ben"


@dataclass
class Case:
    """What a token has, what it asks for, and the status and code that it gets."""

    name: str
    client: Client
    method: str
    path: str
    status: int
    code: str = ""
    body: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self) -> tuple[int, str]:
        body = {} if self.body is None else {"json": self.body}
        answer = self.client.call(self.method, self.path, headers=self.headers, **body)
        found = answer.get_json(silent=True) or {}
        if answer.status_code == 422 and self.code == "owner":
            return 422, next(iter(found["errors"]))
        return answer.status_code, found.get("code", "") if answer.status_code >= 400 else ""


def uploads(owner: str, profile: str = "product_image") -> str:
    return f"/api/owners/{profile}/{owner}/uploads/"


def ticket_cases(app: Flask) -> Iterator[Case]:
    """Yield requests for a ticket: the token's grants, the owner that is asked for, the answer."""
    mine = entry("42")
    another_type = entry("42", type="payment_initiation")
    asked: list[tuple[str, list[Any], str, int, str]] = [
        ("no claim", [], "42", 403, "forbidden"),
        ("this owner", [mine], "42", 201, ""),
        ("another owner", [entry("43")], "42", 403, "forbidden"),
        ("042, asks for 42", [entry("042")], "42", 403, "forbidden"),
        ("42, asks for 042", [mine], "042", 403, "forbidden"),
        ("042, asks for 042", [entry("042")], "042", 201, ""),
        ("42, asks for 42%2f43", [mine], "42%2f43", 404, "not_found"),
        ("42/43, asks for 42", [entry("42/43")], "42", 403, "forbidden"),
        ("64 characters", [entry(OWNER_64)], OWNER_64, 201, ""),
        ("65 characters", [entry(OWNER_65)], OWNER_65, 422, "owner"),
        ("65 characters, asks for the first 64", [entry(OWNER_65)], OWNER_64, 403, "forbidden"),
        ("Devanagari digits", [entry("४२")], "४२", 422, "owner"),
        ("42, asks for Devanagari digits", [mine], "४२", 422, "owner"),
        ("42, asks for full-width digits", [mine], "４２", 422, "owner"),
        ("Cyrillic а, asks for Latin a", [entry("а")], "a", 403, "forbidden"),
        ("Latin a, asks for Cyrillic а", [entry("a")], "а", 422, "owner"),
        ("A, asks for a", [entry("A")], "a", 403, "forbidden"),
        ("a space at the end of the path", [mine], "42%20", 422, "owner"),
        ("NUL in the path", [mine], "42%00", 422, "owner"),
        ("a line break in the path", [mine], "42%0a", 422, "owner"),
        ("a line break in the grant", [entry("42\n")], "42", 403, "forbidden"),
        ("dots in the path", [mine], "..", 422, "owner"),
        ("the owner as an integer", [entry(42)], "42", 403, "forbidden"),
        ("the owner missing", [entry(None)], "42", 403, "forbidden"),
        ("an empty owner", [entry("")], "42", 403, "forbidden"),
        ("any owner: *", [entry("*")], "42", 403, "forbidden"),
        ("any profile: *", [entry("42", profile="*")], "42", 403, "forbidden"),
        ("any action: *", [entry("42", "*")], "42", 403, "forbidden"),
        ("another profile, same owner", [entry("42", profile="gallery")], "42", 403, "forbidden"),
        ("the profile in capitals", [entry("42", profile="Product_image")], "42", 403, "forbidden"),
        ("no actions", [{**mine, "actions": []}], "42", 403, "forbidden"),
        ("actions missing", [{**mine, "actions": None}], "42", 403, "forbidden"),
        ("actions as text", [{**mine, "actions": "create"}], "42", 403, "forbidden"),
        ("an unknown action, too", [entry("42", "create", "own")], "42", 403, "forbidden"),
        ("CREATE", [entry("42", "CREATE")], "42", 403, "forbidden"),
        ("update only", [entry("42", "update")], "42", 403, "forbidden"),
        ("delete only", [entry("42", "delete")], "42", 403, "forbidden"),
        ("read only", [entry("42", "read")], "42", 403, "forbidden"),
        ("all but create", [entry("42", "read", "update", "delete")], "42", 403, "forbidden"),
        ("two owners, asks for one", [entry("43"), mine], "42", 201, ""),
        ("two owners, asks for a third", [entry("43"), entry("44")], "42", 403, "forbidden"),
        ("two entries of one owner", [entry("42", "read"), mine], "42", 201, ""),
        ("two entries, one malformed", [entry(42), mine], "42", 201, ""),
        ("the second entry malformed", [mine, {"type": "upload"}], "42", 201, ""),
        ("another type", [another_type], "42", 403, "forbidden"),
        ("another type, and this owner", [another_type, mine], "42", 201, ""),
        ("an entry with `locations`", [{**mine, "locations": ["x"]}], "42", 403, "forbidden"),
        ("an entry that is text", ["product_image/42"], "42", 403, "forbidden"),
        ("100 entries", [entry(str(one)) for one in range(100)], "42", 201, ""),
        ("101 entries", [entry(str(one)) for one in range(101)], "42", 403, "forbidden"),
    ]
    for name, details, owner, status, code in asked:
        yield Case(
            name, caller(app, ADA, *details), "POST", uploads(owner), status, code, declared()
        )
    for name, claim in (("the claim is an object", mine), ("the claim is text", "42")):
        client = Client(app, token(ADA, authorization_details=claim))
        yield Case(name, client, "POST", uploads("42"), 403, "forbidden", declared())
    expired = ends_at(app, ADA, -90, mine)
    forged = Client(app, token(ADA, secret="y" * 40, authorization_details=[mine]))
    service = caller(app, "backend", role="service")
    for name, client, status, code in (
        ("no token", Client(app, None), 401, "token_missing"),
        ("expired", expired, 401, "token_expired"),
        ("signed by another", forged, 401, "token_invalid"),
        ("role service, no grant", service, 201, ""),
        (
            "role service, a grant for another",
            caller(app, "backend", entry("43"), role="service"),
            201,
            "",
        ),
    ):
        yield Case(name, client, "POST", uploads("42"), status, code, declared())
    for name, profile, owner, status, code in (
        ("an unknown profile", "product", "42", 404, "not_found"),
        ("the kind, not the profile", "ad", "1", 404, "not_found"),
        ("an ad 042", "ad_image", "042", 422, "owner"),
        ("an ad 0", "ad_image", "0", 422, "owner"),
        ("an ad with 19 digits", "ad_image", "9" * 19, 422, "owner"),
        ("an ad by a name", "ad_image", "bicycle", 422, "owner"),
        ("service: an ad that is not there", "ad_image", "999", 404, "not_found"),
        ("service: 042", "product_image", "042", 201, ""),
    ):
        yield Case(name, service, "POST", uploads(owner, profile), status, code, declared())


def path_cases(app: Flask) -> Iterator[Case]:
    """Yield the other paths of an owner, with and without the grant."""
    mine, other = caller(app, BEN, entry("42")), caller(app, BEN, entry("43"), entry("42", "read"))
    batch = {"files": [declared()]}
    yield Case("batch", mine, "POST", uploads("42") + "batch/", 201, "", batch)
    yield Case("batch of another", other, "POST", uploads("42") + "batch/", 403, "forbidden", batch)
    yield Case("Uppy session", mine, "POST", f"{PRODUCT}/uppy_session/", 201)
    yield Case(
        "Uppy session of another", other, "POST", f"{PRODUCT}/uppy_session/", 403, "forbidden"
    )
    yield Case("unfinished uploads", mine, "GET", uploads("42"), 200)
    yield Case("unfinished uploads of another", other, "GET", uploads("42"), 403, "forbidden")
    yield Case("an owner without uploads", other, "GET", uploads("43"), 200)
    used = {"Idempotency-Key": "one"}
    yield Case("with a key", mine, "POST", uploads("42"), 201, "", declared(), used)
    yield Case("the key again", mine, "POST", uploads("42"), 201, "", declared(), used)
    yield Case(
        "the key without the grant",
        other,
        "POST",
        uploads("42"),
        403,
        "forbidden",
        declared(),
        used,
    )


def table_cases(app: Flask, alice: Client, bob: Client) -> Iterator[Case]:
    """Yield requests for an ad and a user of our tables, for which grants mean nothing."""
    ad = alice.ad()
    granted = caller(app, 2, entry(str(ad), profile="ad_image"), entry("1", profile="avatar"))
    for name, client, profile, owner, status, code in (
        ("ad in our table: its user", alice, "ad_image", ad, 201, ""),
        ("ad in our table: a grant", granted, "ad_image", ad, 403, "forbidden"),
        ("ad in our table: another user", bob, "ad_image", ad, 403, "forbidden"),
        ("ad that is not there", alice, "ad_image", ad + 900, 404, "not_found"),
        ("avatar: the user", alice, "avatar", 1, 201, ""),
        ("avatar of another: a grant", granted, "avatar", 1, 403, "forbidden"),
    ):
        yield Case(name, client, "POST", uploads(str(owner), profile), status, code, declared())
    aliases = f"/api/ads/{ad}/upload_image/"
    yield Case("/api/ads/: a grant", granted, "POST", aliases, 403, "forbidden", declared())


def upload_cases(app: Flask, anyone: Client) -> Iterator[Case]:
    """Yield requests on an upload for 42: from a user whose grant has ended, and from others."""
    ada = caller(app, ADA, entry("42"), entry("43"))
    ticket = ada.post(uploads("42"), declared()).get_json()
    parts = ada.post(uploads("42"), declared(transport="multipart")).get_json()
    assert send(ticket).status_code == 201
    session = ada.post(f"{PRODUCT}/uppy_session/").get_json()
    made = begin(anyone, session)
    foreign = ada.post("/api/owners/product_image/43/uppy_session/").get_json()
    upload = f"/api/uploads/{ticket['id']}/"
    multipart = f"/api/uploads/{parts['id']}/"
    wanted = {"parts": [{"part_number": 1}]}
    failure = {"code": "AccessDenied"}
    callers = {
        "no grant any more": caller(app, ADA),
        "a grant for another owner": caller(app, ADA, entry("43")),
        "a grant for 042": caller(app, ADA, entry("042")),
        "a grant of another profile": caller(app, ADA, entry("42", profile="gallery")),
        "all but create": caller(app, ADA, entry("42", "read", "update", "delete")),
    }
    steps: list[tuple[str, str, dict[str, Any] | None]] = [
        ("GET", upload, None),
        ("POST", upload + "confirm/", None),
        ("POST", upload + "renew/", None),
        ("POST", upload + "failures/", failure),
        ("DELETE", upload, None),
        ("POST", multipart + "parts/", wanted),
        ("GET", multipart + "parts/", None),
        ("POST", multipart + "complete/", None),
        ("DELETE", f"/api/uppy_sessions/{session['id']}/", None),
    ]
    for name, client in callers.items():
        for method, where, body in steps:
            yield Case(
                f"{name}: {where.split('/', 4)[-1]}", client, method, where, 404, "not_found", body
            )
    ended = ends_at(app, ADA, -90, entry("42"))
    yield Case("ended before confirm", ended, "POST", upload + "confirm/", 401, "token_expired")
    yield Case(
        "an endpoint of 43 with an upload of 42",
        anyone,
        "GET",
        path(foreign, of(made)),
        404,
        "not_found",
    )
    ben = caller(app, BEN, entry("42"))
    service = caller(app, "backend", role="service")
    yield Case("another user with the grant reads", ben, "GET", upload, 200)
    yield Case("another user with the grant renews", ben, "POST", upload + "renew/", 200)
    yield Case(
        "another user with the grant reports", ben, "POST", upload + "failures/", 200, "", failure
    )
    yield Case(
        "another user with the grant signs parts",
        ben,
        "POST",
        multipart + "parts/",
        200,
        "",
        wanted,
    )
    yield Case("another user with the grant lists parts", ben, "GET", multipart + "parts/", 200)
    yield Case("parts are missing", ben, "POST", multipart + "complete/", 409, "parts_missing")
    yield Case("service cancels", service, "DELETE", multipart, 204)
    yield Case("another user with the grant confirms", ben, "POST", upload + "confirm/", 200)
    yield Case(
        "confirmed: no grant any more",
        caller(app, ADA),
        "POST",
        upload + "confirm/",
        404,
        "not_found",
    )
    yield Case(
        "an endpoint revoked by another", ben, "DELETE", f"/api/uppy_sessions/{session['id']}/", 204
    )


def file_cases(app: Flask, anyone: Client) -> Iterator[Case]:
    """Yield requests on a published file of 42, each with another action or owner."""
    ada = caller(app, ADA, entry("42"))
    ticket = ada.post(uploads("42"), declared()).get_json()
    assert send(ticket).status_code == 201
    file_id = ada.post(ticket["confirm_url"]).get_json()["id"]
    every = "create", "read", "update", "delete"
    changes = {"alt_text": "side"}
    for name, method, profile, owner, details, status in (
        ("edits with create", "PATCH", "product_image", "42", entry("42"), 403),
        ("edits with read", "PATCH", "product_image", "42", entry("42", "read"), 403),
        ("edits with delete", "PATCH", "product_image", "42", entry("42", "delete"), 403),
        ("deletes with update", "DELETE", "product_image", "42", entry("42", "update"), 403),
        ("deletes with create", "DELETE", "product_image", "42", entry("42"), 403),
        ("deletes of 42 with 43", "DELETE", "product_image", "42", entry("43", *every), 403),
        ("deletes below 43", "DELETE", "product_image", "43", entry("43", *every), 404),
        ("deletes below 042", "DELETE", "product_image", "042", entry("042", *every), 404),
        (
            "deletes below another profile",
            "DELETE",
            "gallery",
            "42",
            entry("42", *every, profile="gallery"),
            404,
        ),
        ("edits with update", "PATCH", "product_image", "42", entry("42", "update"), 200),
        ("deletes with delete", "DELETE", "product_image", "42", entry("42", "delete"), 204),
    ):
        where = f"/api/owners/{profile}/{owner}/files/{file_id}/"
        code = {403: "forbidden", 404: "not_found"}.get(status, "")
        body = changes if method == "PATCH" else None
        yield Case(name, caller(app, BEN, details), method, where, status, code, body)
    yield Case("anyone lists public files", anyone, "GET", f"{PRODUCT}/files/", 200)
