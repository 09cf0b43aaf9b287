"""`examples/django` with a real broker, bucket and worker, which `broker dev` starts."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest

from tests.e2e.running_shop import Running, block_of_the_readme, running_shop
from tests.e2e.shop import new_webhook_secret
from tests.e2e.shop_uploads import JPEG, images, new_ad, newest, push, send, ticket
from tests.e2e.test_dev import BROKER
from tests.processes import await_answer

pytestmark = pytest.mark.matrix(part="walks")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Start a broker for all tests. The last one deletes the only user."""
    data, directory = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("shop")
    with running_shop(data, directory) as started:
        yield started


@pytest.fixture(scope="module")
def server(running: Running) -> Iterator[None]:
    """Run Django's server from the first test that needs it until the last."""
    with running.shop.running():
        yield


@pytest.fixture
def django(running: Running, server: None) -> Iterator[httpx.Client]:
    """Yield a client that is signed in."""
    with running.shop.signed_in() as client:
        yield client


def test_the_feed_brings_what_a_lost_webhook_did_not(running: Running) -> None:
    """Runs before `server` starts."""
    with running.shop.serving() as django:
        ad = new_ad(django)
        issued = ticket(django, f"{ad}upload_image/")
    # Nobody answers the webhook now.
    image = send(issued)
    running.shop.manage("pull_events")
    with running.shop.serving() as django:
        (shown,) = images(django, ad)
        assert shown["image_url"] == image["image_url"]


def test_an_upload_by_the_old_url_reaches_django_with_its_variants(
    running: Running, django: httpx.Client
) -> None:
    ad = new_ad(django)
    image = send(ticket(django, f"{ad}upload_image/"))
    (shown,) = await_answer(lambda: images(django, ad))
    assert {name: shown[name] for name in image} == image
    assert [variant["width"] for variant in shown["variants"]] == [320]
    page = django.get(ad.removeprefix("/api")).text
    (srcset,) = re.findall(r'srcset="([^"]*)"', page)
    for candidate in srcset.split(", "):
        assert httpx.get(candidate.split(" ")[0]).status_code == 200
    user = f"/api/users/{django.get(ad).json()['owner']}/"
    avatar = send(ticket(django, f"{user}upload_avatar/"))
    await_answer(lambda: django.get(user).json()["avatar_url"] == avatar["image_url"])
    second = send(ticket(django, f"{user}upload_avatar/"))
    await_answer(lambda: django.get(user).json()["avatar"] == second["image"])


def test_changes_and_a_deletion_at_the_broker_reach_django(
    running: Running, django: httpx.Client
) -> None:
    ad = new_ad(django)
    issued = ticket(django, f"{ad}upload_image/")
    image = send(issued)
    await_answer(lambda: images(django, ad))
    bearer = django.post(f"{ad}upload_token/").json()["token"]
    path = f"{ad}images/{image['id']}/"
    headers = {"Authorization": f"Bearer {bearer}"}
    change = {"alt_text": "front view"}
    assert running.broker.patch(path, json=change, headers=headers).status_code == 200
    await_answer(lambda: images(django, ad)[0]["alt_text"] == "front view")
    assert running.broker.delete(path, headers=headers).status_code == 204
    await_answer(lambda: images(django, ad) == [])


def test_repeated_late_and_forged_webhooks_change_nothing(
    running: Running, django: httpx.Client
) -> None:
    ad = new_ad(django)
    image = send(ticket(django, f"{ad}upload_image/"))
    await_answer(lambda: images(django, ad))
    ready = newest(running, "image.ready", image["id"])
    assert push(django, ready, running.webhook_secret) == 204
    assert push(django, {**ready, "type": "image.deleted"}, running.webhook_secret) == 204
    gone = {**ready, "type": "image.deleted", "sequence": ready["sequence"] + 10**6}
    assert push(django, gone, new_webhook_secret()) == 400
    assert len(images(django, ad)) == 1
    assert running.broker.delete(f"{ad}images/{image['id']}/").status_code == 204
    await_answer(lambda: images(django, ad) == [])
    assert push(django, ready, running.webhook_secret) == 204
    assert images(django, ad) == []


def test_a_cursor_that_is_too_old_leads_to_reading_all_files(
    running: Running, django: httpx.Client
) -> None:
    ad = new_ad(django)
    image = send(ticket(django, f"{ad}upload_image/"))
    await_answer(lambda: images(django, ad))
    running.shop.rows("UPDATE shop_feed SET cursor = '0.1'")
    running.shop.rows(
        "UPDATE shop_image SET sequence = 1, state = json_set(state, '$.image_url', 'old')"
    )
    running.shop.rows(
        "INSERT INTO shop_image (id, ad_id, sequence, state)"
        f" SELECT 4711, ad_id, 1, state FROM shop_image WHERE id = {image['id']}"
    )
    assert len(images(django, ad)) == 2
    running.shop.manage("pull_events")
    (shown,) = images(django, ad)
    assert (shown["id"], shown["image_url"]) == (image["id"], image["image_url"])
    assert running.shop.rows("SELECT cursor <> '0.1' FROM shop_feed") == [(1,)]


def test_photos_that_were_in_the_bucket_are_adopted_and_reach_django(
    running: Running, django: httpx.Client
) -> None:
    """The recommended way of docs/migrating.md."""
    environment = running.broker_environment
    client = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    ).client("s3", endpoint_url=environment["BROKER_S3_ENDPOINT_URL"], region_name="us-east-1")
    ad = new_ad(django)
    key = f"ads/ad_{ad.split('/')[-2]}/main.jpg"
    client.put_object(
        Bucket=environment["BROKER_S3_BUCKET"],
        Key=f"media/{key}",
        Body=JPEG,
        ContentType="image/jpeg",
    )
    adopted = subprocess.run(
        [*BROKER, "adopt"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert adopted.stdout.startswith("adopted 1\n"), adopted
    (shown,) = await_answer(lambda: images(django, ad))
    assert shown["image"] == key


def test_the_upload_of_the_readme_works_as_written(
    running: Running, django: httpx.Client, tmp_path: Path
) -> None:
    script = block_of_the_readme("broker upload")
    (tmp_path / "photo.jpg").write_bytes(JPEG)
    for written, here in (
        ("http://127.0.0.1:8000", running.shop.url),
        ("http://127.0.0.1:8001", str(running.broker.base_url).rstrip("/")),
        ("../../.venv/bin/broker", shlex.join(BROKER)),
    ):
        assert written in script
        script = script.replace(written, here)
    ran = subprocess.run(
        ["bash", "-e", "-c", f"{script}echo $AD"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    uploaded, ad = ran.stdout.splitlines()
    (shown,) = await_answer(lambda: images(django, f"/api/ads/{ad}/"))
    assert uploaded == f"photo.jpg\t{shown['image_url']}"


def test_a_user_who_is_deleted_is_erased_at_the_broker(
    running: Running, django: httpx.Client
) -> None:
    ad = new_ad(django)
    issued = ticket(django, f"{ad}upload_image/")
    image = send(issued)
    (shown,) = await_answer(lambda: images(django, ad))
    user = f"/api/users/{django.get(ad).json()['owner']}/"
    bearer = django.post(f"{ad}upload_token/").json()["token"]
    assert django.delete(user).status_code == 204
    assert httpx.get(f"{running.shop.url}{ad}").status_code == 404
    assert len(running.shop.rows("SELECT path FROM shop_erasure")) >= 2
    running.shop.manage("pull_events")
    assert running.shop.rows("SELECT path FROM shop_erasure") == []
    for url in (image["image_url"], *(one["url"] for one in shown["variants"])):
        await_answer(lambda url=url: httpx.get(url).status_code in (403, 404), timeout=100)
    headers = {"Authorization": f"Bearer {bearer}"}
    refused = running.broker.post(f"{ad}upload_image/", json={}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    await_answer(lambda: running.broker.get("/api/files/").json()["results"] == [])
