"""Hostile files as uploads, inspected by a real child process: what owners and strangers see."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from tests.attacks import PAIRS, SLOW
from tests.faults.invariants import check_invariants
from tests.http.charging import charged, places
from tests.http.client import Client, send, token
from tests.http.uploads.test_lifecycle import PAST_GRACE, reap
from tests.http.worker import Worker, read, real
from tests.inspection.hostile import FILES
from tests.servers.fixtures import Bucket

# One for each reason, and three that are cleaned.
QUICK = [
    "png-50000",
    "html-as-jpeg",
    "gif-as-jpeg",
    "gif-10000-frames",
    "truncated.jpg",
    "jpeg-html-in-segment",
    "jpeg-html-in-data",
    "png-html-after-end",
]
MIB = 1024**2


@pytest.mark.parametrize(
    ("database_url", "s3_bucket", "names"),
    [
        pytest.param(*PAIRS[0], QUICK, id="quick"),
        # Each file needs a child process, and neither database nor server sees what is in it.
        *(
            pytest.param(*pair, list(FILES)[first :: len(PAIRS)], marks=SLOW, id=pair[1])
            for first, pair in enumerate(PAIRS)
        ),
    ],
    indirect=["database_url", "s3_bucket"],
)
def test_a_hostile_file_is_rejected_or_cleaned_and_leaves_nothing(
    make_app: Callable[..., Flask], s3_bucket: Bucket, tmp_path: Path, names: list[str]
) -> None:
    settings = {"inspection": "required", "max_image_bytes": 64 * MIB, "quota_files": len(names)}
    app = make_app(max_images_per_ad=len(names), **settings)
    alice, bob, anyone = Client(app, token(1)), Client(app, token(2)), Client(app, None)
    ad = alice.ad()
    bob.ad()
    directory = tmp_path / "worker"
    directory.mkdir()
    worker = Worker(app, directory, inspect=real)
    tickets = {}
    for name in names:
        tickets[name] = hand_in(alice, ad, name)
        worker.next()

    uploads = {name: read(alice, ticket) for name, ticket in tickets.items()}
    for name, upload in uploads.items():
        sys.stdout.write(f"{name}: {upload['state']} {upload['reason'] or ''}\n")
    ends = {name: (upload["state"], upload["reason"]) for name, upload in uploads.items()}
    assert ends == {name: end_of(name) for name in names}
    for name, ticket in tickets.items():
        if FILES[name].reason is not None:
            owner_and_stranger_see_a_rejection(alice, bob, ticket, FILES[name].reason)

    cleaned = {name: upload["image"] for name, upload in uploads.items() if upload["image"]}
    shown = anyone.get(f"/api/ads/{ad}/").get_json()["images"]
    assert [image["id"] for image in shown] == [image["id"] for image in cleaned.values()]
    for name, image in cleaned.items():
        for body in published_bytes(image):
            assert FILES[name].needle not in body, name

    # The forms can be sent again until they expire. Until then the files are charged.
    assert (places(app, ad), charged(app)[1]) == (len(cleaned), len(names))
    assert alice.ticket(ad).get_json()["code"] == "quota_exceeded"
    reap(app)
    reap(app, PAST_GRACE)
    assert charged(app)[1] == len(cleaned)
    refunded = len(names) - len(cleaned)
    again = [alice.ticket(ad).status_code for _ in range(refunded + 1)]
    assert again == [201] * refunded + [429]
    kept = {item.key for item in s3_bucket.storage.list_objects("")}
    assert len(kept) == sum(1 + len(image["variants"]) for image in cleaned.values())
    reap(app, PAST_GRACE * 4)
    reap(app, PAST_GRACE * 8)
    state = check_invariants(app, at_rest=True)
    sys.stdout.write(f"{len(names)} hostile files at rest: {state}\n")
    assert state.violations == []
    assert list(directory.iterdir()) == []


def hand_in(client: Client, ad: int, name: str) -> dict[str, Any]:
    """Send a hostile file and confirm it; return its ticket."""
    file = FILES[name]
    data = file.make()
    named = f"photo.{file.content_type.partition('/')[2]}"
    answer = client.ticket(
        ad, data, content_type=file.content_type, file_name=named, transport="post"
    )
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.get_json()
    assert send(ticket, data).status_code == 201
    assert client.post(ticket["confirm_url"]).status_code == 202
    return ticket


def end_of(name: str) -> tuple[str, str | None]:
    """Return the state and the reason that an upload of a hostile file must get."""
    reason = FILES[name].reason
    return ("confirmed", None) if reason is None else ("rejected", reason.value)


def owner_and_stranger_see_a_rejection(
    owner: Client, stranger: Client, ticket: dict[str, Any], reason: str
) -> None:
    path = f"/api/uploads/{ticket['id']}/"
    problem = owner.post(ticket["confirm_url"])
    assert (problem.status_code, problem.get_json()["code"]) == (422, "upload_rejected")
    assert problem.get_json()["reason"] == reason
    assert stranger.get(path).status_code == 404
    assert stranger.post(f"{path}confirm/").status_code == 404
    assert stranger.get(f"/api/uploads/?ids={ticket['id']}").get_json() == {"uploads": []}


def published_bytes(image: dict[str, Any]) -> list[bytes]:
    """Read an image and its variants as a stranger does."""
    urls = [image["image_url"], *(each["url"] for each in image["variants"])]
    answers = [httpx.get(url, verify=False) for url in urls]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers]
