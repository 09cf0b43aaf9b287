"""Every operation of the API that changes something, with a function that prepares it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import boto3
from flask import Flask

from broker.db.models import Upload
from tests.faults.victim import Request, perform
from tests.http.client import JPEG, Client, declared, send, token
from tests.http.erasure.erasing import published
from tests.http.part_uploads import PART, multipart_ticket, put_parts, signed
from tests.photos import photo
from tests.servers.fixtures import Bucket

ALICE = token(1)
SERVICE = token(900, role="service")
NEW_USERS = iter(range(1000, 9999))
# A run of the workers, after all leases have run out.
WORKER = Request(ALICE, works=True, after=timedelta(hours=1))
PHOTO = photo(64, 48)
LONG_PAST = timedelta(days=2)
SETTINGS = {"require_checksum": False, "part_size": PART}
# The allowed answers to a repeated request: done now, done before, or ended.
SETTLED = {200, 201, 202, 204, 404, 409, 410, 422}


class Scene:
    """An app with its bucket and a client."""

    def __init__(self, app: Flask, bucket: Bucket) -> None:
        self.app, self.bucket = app, bucket
        self.alice = Client(app, ALICE)

    def forge(self, key: str) -> None:
        """Write bytes that differ from the declared ones directly to the bucket."""
        client = boto3.Session().client("s3", endpoint_url=self.bucket.server.endpoint_url)
        client.put_object(Bucket=self.bucket.name, Key=key, Body=b"forged")


def post(path: str, json: Any = None) -> Request:
    return Request(ALICE, "POST", path, json)


def delete(path: str) -> Request:
    return Request(ALICE, "DELETE", path)


def confirmed(scene: Scene, ad: int) -> dict[str, Any]:
    ticket = scene.alice.ticket(ad).get_json()
    send(ticket)
    answer = scene.alice.post(ticket["confirm_url"])
    assert answer.status_code == 200, answer.text
    image: dict[str, Any] = answer.get_json()
    return image


def issue(scene: Scene) -> Request:
    return post(f"/api/ads/{scene.alice.ad()}/upload_image/", declared())


def confirm(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad()).get_json()
    send(ticket)
    return post(ticket["confirm_url"])


def confirm_and_promote(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad(), checksum_sha256=None).get_json()
    send(ticket)
    return post(ticket["confirm_url"])


def confirm_and_reject(scene: Scene) -> Request:
    ticket = scene.alice.ticket(scene.alice.ad()).get_json()
    scene.forge(f"incoming/{ticket['key']}")
    return post(ticket["confirm_url"])


def confirm_a_new_avatar(scene: Scene) -> Request:
    tickets = [
        scene.alice.post("/api/users/1/upload_avatar/", declared()).get_json() for _ in range(2)
    ]
    for ticket in tickets:
        send(ticket)
    assert scene.alice.post(tickets[0]["confirm_url"]).status_code == 200
    return post(tickets[1]["confirm_url"])


def sent_in_parts(scene: Scene, *, urls_alone: bool = False) -> dict[str, Any]:
    ticket = multipart_ticket(scene.alice, JPEG)
    if not urls_alone:
        put_parts(signed(scene.alice, ticket, [1], JPEG), JPEG)
    return ticket


def begin_parts(scene: Scene) -> Request:
    ticket = sent_in_parts(scene, urls_alone=True)
    return post(ticket["upload"]["parts_url"], {"parts": [{"part_number": 1}]})


def complete(scene: Scene) -> Request:
    return post(sent_in_parts(scene)["upload"]["complete_url"])


def cancel_parts(scene: Scene) -> Request:
    return delete(f"/api/uploads/{sent_in_parts(scene)['id']}/")


def delete_image(scene: Scene) -> Request:
    ad = scene.alice.ad()
    return delete(f"/api/ads/{ad}/images/{confirmed(scene, ad)['id']}/")


def delete_ad(scene: Scene) -> Request:
    ad = scene.alice.ad()
    confirmed(scene, ad)
    send(scene.alice.ticket(ad).get_json())
    return delete(f"/api/ads/{ad}/")


def reap_forms(scene: Scene) -> Request:
    ad = scene.alice.ad()
    send(scene.alice.ticket(ad).get_json())
    send(scene.alice.ticket(ad, checksum_sha256=None).get_json())
    return Request(ALICE, after=LONG_PAST)


def reap_parts(scene: Scene) -> Request:
    sent_in_parts(scene)
    return Request(ALICE, after=LONG_PAST)


def reap_the_outbox(scene: Scene) -> Request:
    request = delete_image(scene)
    assert request.path is not None
    assert scene.alice.delete(request.path).status_code == 204
    return Request(ALICE)


def confirm_after_a_failed_copy(scene: Scene) -> Request:
    """Confirm again after the first attempt to publish. This attempt uses its own key."""
    ticket = scene.alice.ticket(scene.alice.ad()).get_json()
    send(ticket)
    with scene.app.extensions["broker"].database.session() as session:
        session.get_one(Upload, UUID(ticket["id"])).publish_attempts = 1
        session.commit()
    return post(ticket["confirm_url"])


def reap_late_objects(scene: Scene) -> Request:
    """Reap two files that were sent again after the objects of their uploads were deleted."""
    ad = scene.alice.ad()
    cancelled, kept = (scene.alice.ticket(ad).get_json() for _ in range(2))
    send(kept)
    assert scene.alice.post(kept["confirm_url"]).status_code == 200
    assert scene.alice.delete(f"/api/uploads/{cancelled['id']}/").status_code == 204
    perform(scene.app, Request(ALICE, after=LONG_PAST))
    send(cancelled)
    send(kept)
    return Request(ALICE, after=LONG_PAST)


def prune(scene: Scene) -> Request:
    """Reap long after uploads ended in three ways, when all their objects are deleted."""
    prepared = (delete_image(scene), cancel_parts(scene), issue(scene))
    rounds = [Request(ALICE, after=timedelta(days=days)) for days in range(4)]
    assert {perform(scene.app, one) for one in (*prepared, *rounds)} == {200, 201, 204}
    return Request(ALICE, after=timedelta(days=100))


def processing(scene: Scene, data: bytes = PHOTO) -> dict[str, Any]:
    """Return the ticket of a file that has arrived and waits for a worker."""
    ticket: dict[str, Any] = scene.alice.ticket(scene.alice.ad(), **declared(data)).get_json()
    send(ticket, data)
    assert scene.alice.post(ticket["confirm_url"]).status_code == 202
    return ticket


def process(scene: Scene) -> Request:
    processing(scene)
    return WORKER


def process_and_reject(scene: Scene) -> Request:
    processing(scene, JPEG)
    return WORKER


def process_the_next_attempt(scene: Scene) -> Request:
    ticket = processing(scene)
    with scene.app.extensions["broker"].database.session() as session:
        session.get_one(Upload, UUID(ticket["id"])).publish_attempts = 1
        session.commit()
    return WORKER


def process_a_new_avatar(scene: Scene) -> Request:
    for _ in range(2):
        body = declared(PHOTO)
        ticket = scene.alice.post("/api/users/1/upload_avatar/", body).get_json()
        send(ticket, PHOTO)
        assert scene.alice.post(ticket["confirm_url"]).status_code == 202
    return WORKER


def cancel_while_processing(scene: Scene) -> Request:
    return delete(f"/api/uploads/{processing(scene)['id']}/")


def delete_ad_while_processing(scene: Scene) -> Request:
    ticket = processing(scene)
    return delete(f"/api/ads/{ticket['key'].split('/')[1].removeprefix('ad_')}/")


def delete_image_with_variants(scene: Scene) -> Request:
    ticket = processing(scene)
    perform(scene.app, WORKER)
    image = scene.alice.get(f"/api/uploads/{ticket['id']}/").get_json()["image"]
    assert image["variants"]
    ad = ticket["key"].split("/")[1].removeprefix("ad_")
    return delete(f"/api/ads/{ad}/images/{image['id']}/")


def a_new_user(scene: Scene) -> tuple[int, int]:
    """Return a user with a photo, an avatar and an unfinished upload, and the user's ad."""
    user_id = next(NEW_USERS)
    user = Client(scene.app, token(user_id))
    ad = user.ad()
    for path in (f"/api/ads/{ad}/upload_image/", f"/api/users/{user_id}/upload_avatar/"):
        published(user, path, alt_text=None)
    send(user.ticket(ad).get_json())
    return user_id, ad


def erase_user(scene: Scene) -> Request:
    return Request(SERVICE, "DELETE", f"/api/users/{a_new_user(scene)[0]}/")


def erase_ad(scene: Scene) -> Request:
    return Request(SERVICE, "DELETE", f"/api/owners/ad_image/{a_new_user(scene)[1]}/")


def reap_an_erasure(scene: Scene) -> Request:
    user_id = next(NEW_USERS)
    user = Client(scene.app, token(user_id))
    send(user.ticket(user.ad()).get_json())
    assert perform(scene.app, Request(SERVICE, "DELETE", f"/api/users/{user_id}/")) == 202
    return Request(ALICE, after=LONG_PAST)


INSPECTED = {"inspection": "required", "ad_image_variants": (16, 32), "avatar_variants": (16,)}
OPERATIONS: list[tuple[Callable[[Scene], Request], dict[str, Any]]] = [
    (issue, {}),
    (confirm, {}),
    (confirm_and_promote, {}),
    (confirm_after_a_failed_copy, {}),
    (confirm_and_reject, {}),
    (confirm_a_new_avatar, {}),
    (begin_parts, {}),
    (complete, {}),
    (cancel_parts, {}),
    (delete_image, {}),
    (delete_ad, {}),
    (reap_forms, {}),
    (reap_parts, {}),
    (reap_the_outbox, {}),
    (reap_late_objects, {}),
    (prune, {}),
    (erase_user, {}),
    (erase_ad, {}),
    (reap_an_erasure, {}),
    (reap_forms, {"reap": "confirm"}),
    (reap_parts, {"reap": "confirm"}),
    *(
        (prepare, INSPECTED)
        for prepare in (
            confirm,
            complete,
            process,
            process_and_reject,
            process_the_next_attempt,
            process_a_new_avatar,
            cancel_while_processing,
            delete_image_with_variants,
            delete_ad_while_processing,
            erase_user,
            reap_forms,
        )
    ),
]
