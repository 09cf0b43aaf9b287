"""Ticket, direct upload, confirm: the main job through the API and a real S3 server."""

import httpx

from tests.http.client import JPEG, Client, declared, send


def test_a_photo_is_uploaded_with_a_ticket_and_served_at_its_public_url(
    alice: Client, anyone: Client
) -> None:
    ad = alice.ad()
    answer = alice.ticket(ad, alt_text="front view", order=1)
    assert answer.status_code == 201
    ticket = answer.get_json()
    assert ticket["state"] == "pending"
    assert ticket["upload"]["method"] == "POST"
    assert ticket["upload"]["fields"]["key"] == f"incoming/{ticket['key']}"
    assert send(ticket).status_code == 201

    image = alice.post(ticket["confirm_url"])
    assert image.status_code == 200
    assert image.get_json()["image"] == ticket["key"]
    assert image.get_json()["alt_text"] == "front view"

    shown = anyone.get(f"/api/ads/{ad}/").get_json()
    assert shown["main_image_url"] == image.get_json()["image_url"]
    public = httpx.get(shown["main_image_url"])
    assert public.status_code == 200
    assert public.content == JPEG
    assert public.headers["content-type"] == "image/jpeg"
    assert public.headers["cache-control"] == "public, max-age=86400"


def test_a_batch_returns_tickets_for_all_files_or_for_none(alice: Client) -> None:
    ad = alice.ad()
    good = {"files": [declared(), declared(JPEG + b"2")]}
    assert len(alice.post(f"/api/ads/{ad}/upload_images/", good).get_json()["tickets"]) == 2

    bad = {"files": [declared(), declared(content_type="image/svg+xml")]}
    refused = alice.post(f"/api/ads/{ad}/upload_images/", bad)
    assert refused.status_code == 422
    assert "1" in refused.get_json()["errors"]["files"]
    too_many = {"files": [declared()] * 19}
    assert alice.post(f"/api/ads/{ad}/upload_images/", too_many).status_code == 409
    assert (
        alice.post(f"/api/ads/{ad}/upload_images/", {"files": [declared()] * 18}).status_code == 201
    )


def test_an_avatar_replaces_the_old_one_and_then_the_old_object_is_deleted(
    alice: Client, anyone: Client
) -> None:
    keys = []
    for data in (JPEG, JPEG + b"2"):
        ticket = alice.post("/api/users/1/upload_avatar/", declared(data)).get_json()
        assert send(ticket, data).status_code == 201
        assert alice.post(ticket["confirm_url"]).status_code == 200
        keys.append(ticket["key"])
    profile = anyone.get("/api/users/1/").get_json()
    assert profile["avatar"] == keys[1]
    assert httpx.get(profile["avatar_url"]).content == JPEG + b"2"
    assert alice.patch("/api/users/1/", {"avatar": None}).get_json()["avatar"] is None


def test_email_is_shown_only_to_its_owner_and_services(
    alice: Client, bob: Client, anyone: Client, service: Client
) -> None:
    ad = alice.ad()
    for caller, email in (
        (alice, "user@example.com"),
        (service, "user@example.com"),
        (bob, None),
        (anyone, None),
    ):
        assert caller.get("/api/users/1/").get_json()["email"] == email
        assert caller.get(f"/api/ads/{ad}/").get_json()["owner_info"]["email"] == email


def test_ads_are_listed_newest_first_in_cursor_pages(alice: Client, anyone: Client) -> None:
    made = [alice.ad() for _ in range(5)]
    assert alice.post(f"/api/ads/{made[0]}/mark_sold/").get_json()["is_sold"] is True
    seen: list[int] = []
    query = "/api/ads/?limit=2&owner=1"
    cursor = ""
    for _ in range(3):
        page = anyone.get(query + cursor).get_json()
        seen += [ad["id"] for ad in page["results"]]
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]
    assert page["next_cursor"] is None
    assert [ad["id"] for ad in anyone.get("/api/ads/?is_sold=true").get_json()["results"]] == [
        made[0]
    ]


def test_the_main_image_is_the_lowest_order_then_the_oldest(alice: Client) -> None:
    ad = alice.ad()
    images = []
    for order in (2, 1, 1):
        ticket = alice.ticket(ad, order=order).get_json()
        send(ticket)
        images.append(alice.post(ticket["confirm_url"]).get_json())
    assert alice.get(f"/api/ads/{ad}/").get_json()["main_image_url"] == images[1]["image_url"]
    moved = alice.patch(f"/api/ads/{ad}/images/{images[0]['id']}/", {"order": 0})
    assert moved.get_json()["order"] == 0
    assert alice.get(f"/api/ads/{ad}/").get_json()["main_image_url"] == images[0]["image_url"]


def test_paths_work_without_their_last_slash(alice: Client) -> None:
    assert alice.get("/api/profiles").status_code == 200
    assert (
        alice.post("/api/ads", {"title": "x", "description": "", "price": "1.00"}).status_code
        == 201
    )


def test_renew_returns_a_new_form_for_the_same_row(alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/")
    assert renewed.status_code == 200
    assert renewed.get_json()["key"] == ticket["key"]
    assert send(renewed.get_json()).status_code == 201
    assert alice.post(ticket["confirm_url"]).status_code == 200
    assert alice.post(f"/api/uploads/{ticket['id']}/renew/").status_code == 409


def test_reported_failures_are_counted_and_get_advice(alice: Client) -> None:
    ticket = alice.ticket(alice.ad()).get_json()
    path = f"/api/uploads/{ticket['id']}/failures/"
    assert alice.post(path, {"code": "SlowDown"}).get_json()["action"] == "retry"
    assert alice.post(path, {"code": "ExpiredToken"}).get_json()["action"] == "renew"
    assert alice.post(path, {"code": "EntityTooLarge"}).get_json()["action"] == "give_up"
    for _ in range(3):
        last = alice.post(path, {"code": "SlowDown"}).get_json()["action"]
    assert last == "give_up"


def test_a_cancelled_ticket_releases_its_slot_and_cannot_be_confirmed(alice: Client) -> None:
    ad = alice.ad()
    tickets = [alice.ticket(ad).get_json() for _ in range(20)]
    assert alice.ticket(ad).get_json()["code"] == "image_limit_reached"
    assert alice.delete(f"/api/uploads/{tickets[0]['id']}/").status_code == 204
    assert alice.post(tickets[0]["confirm_url"]).status_code == 410
    assert alice.ticket(ad).status_code == 201
