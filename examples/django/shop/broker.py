"""Tokens and requests for the broker, and its events."""

from datetime import timedelta

import httpx
from django.conf import settings
from django.db import transaction
from rest_framework_simplejwt.tokens import AccessToken

from shop.models import Ad, Erasure, Feed, Image, User

OWNERS = {"ad_image": (Ad, "ad_id"), "avatar": (User, "user_id")}


def user_token(user, profile, owner):
    """Return an access token that also lets a user change the images of one owner."""
    token, actions = AccessToken.for_user(user), ["create", "update", "delete"]
    grant = {"type": "upload", "profile": profile, "owner": str(owner), "actions": actions}
    token["authorization_details"] = [grant]
    return str(token)


def service_token():
    """Return a token with all rights at the broker. It never leaves this server."""
    token = AccessToken()
    token.set_exp(lifetime=timedelta(minutes=1))
    token["sub"], token["role"] = "shop", "service"
    return str(token)


def send(method, path, token, **options):
    """Send a request to the broker, and return the answer. 503: there was none."""
    url, headers = settings.BROKER_URL + path, {"Authorization": f"Bearer {token}"}
    try:
        return httpx.request(method, url, headers=headers, **options)
    except httpx.TransportError:
        return httpx.Response(503, json={"code": "broker_away"}, request=httpx.Request(method, url))


@transaction.atomic
def receive(event):
    """Apply an event. It may arrive twice, late, and after newer ones."""
    image, sequence = event["data"]["image"], event["sequence"]
    feed = Feed.objects.select_for_update().get()  # one event at a time
    if image and sequence > feed.floor:
        store(event["data"], sequence, None if event["type"] == "image.deleted" else image)


def store(data, sequence, state):
    """Insert or replace an image, if its ad or user exists and its row is older."""
    owners, column = OWNERS.get(data["profile"], (None, None))
    same_or_newer = Image.objects.filter(pk=data["image"]["id"], sequence__gte=sequence)
    if owners and owners.objects.filter(pk=data["owner"]).exists() and not same_or_newer.exists():
        new = {column: data["owner"], "sequence": sequence, "state": state}
        Image.objects.update_or_create(pk=data["image"]["id"], defaults=new)


def pull():
    """Read the feed to its end. Without a cursor that counts, read all files first."""
    page = {"results": True}
    while page["results"]:
        cursor = Feed.objects.get().cursor  # empty at first
        page = (cursor and read("/api/events/", cursor)) or resynchronize()
        for event in page["results"]:
            receive(event)
        Feed.objects.update(cursor=page["next_cursor"])


def read(path, after):
    """Return a page; None if the cursor is too old."""
    answer = send("GET", path, service_token(), params={"after": after} if after else {})
    return None if answer.status_code == 410 else answer.raise_for_status().json()


def resynchronize():
    """Read all files of the broker. Return the page of the feed from which events count."""
    latest, after = read("/api/events/", "latest"), ""
    Feed.objects.update(floor=latest["sequence"])
    while after is not None:
        page = read("/api/files/", after)
        for data in page["results"]:
            store(data, latest["sequence"], data["image"])
        after = page["next_cursor"]
    Image.objects.filter(sequence__lt=latest["sequence"]).delete()  # what is not among the files
    return latest


def send_erasures():
    """Ask the broker to erase what was deleted here; what fails stays for the next time."""
    for erasure in Erasure.objects.all():
        if send("DELETE", erasure.path, service_token()).status_code in (202, 404):
            erasure.delete()  # accepted, or the broker has nothing of it
