"""Reads skip marshmallow; the schemas still say what their JSON is, for every kind of row."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from broker.api.routes import shapes
from broker.db.models import Ad, Image, ImageVariant, User
from broker.domain.limits import Limits
from broker.domain.principal import Principal, Role
from broker.domain.public_urls import public_url
from broker.services.marketplace.ad_views import AdView
from schemas import ads, files
from schemas.fields import the
from tests.http.client import Client, token

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NAME = st.text("abc-_.~ é%?#+&", min_size=1, max_size=12)
TIMES = st.timedeltas(timedelta(0), timedelta(days=80_000)).map(
    lambda passed: datetime(1970, 1, 1, tzinfo=UTC) + passed
)
SERVICE = 900
CALLERS = {
    None: None,
    1: Principal(user_id=1),
    2: Principal(user_id=2),
    SERVICE: Principal(user_id=SERVICE, role=Role.SERVICE),
}


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


IMAGES = st.fixed_dictionaries(
    {
        "file_name": maybe(TEXT),
        "content_type": st.sampled_from(["image/jpeg", "image/png", "image/heic"]),
        "size": st.integers(0, 2**40),
        "checksum_sha256": maybe(st.just("d" * 44)),
        "alt_text": TEXT,
        "order": st.integers(0, 3),
        "width": maybe(st.integers(1, 10_000)),
        "height": maybe(st.integers(1, 10_000)),
        "thumbhash": maybe(st.just("3OcRJYB4d3h/iIeHeEh3eIhw+j3A")),
        "created_at": TIMES,
        "stem": NAME,
        "widths": st.lists(st.integers(1, 5_000), unique=True, max_size=4),
    }
)
ADS = st.fixed_dictionaries(
    {
        "title": TEXT,
        "description": TEXT,
        "price": st.decimals(0, 10**10 - 1, places=2),
        "is_active": st.booleans(),
        "is_sold": st.booleans(),
        "created_at": TIMES,
        "updated_at": TIMES,
        "images": st.lists(IMAGES, max_size=4),
    }
)
USERS = st.fixed_dictionaries(
    {"subject": maybe(NAME), "email": maybe(TEXT), "first_name": TEXT, "last_name": TEXT}
)


def store(app: Flask, user: dict[str, Any], found: list[dict[str, Any]]) -> None:
    """Replace all rows by a user's ads, with ids from 1."""
    now = datetime.now(UTC)
    with app.extensions["broker"].database.session() as session:
        for model in (ImageVariant, Image, Ad, User):
            session.execute(delete(model))
        session.execute(insert(User).values(id=1, created_at=now, updated_at=now, **user))
        for ad_id, ad in enumerate(found, 1):
            row = {name: value for name, value in ad.items() if name != "images"}
            session.execute(insert(Ad).values(id=ad_id, owner_id=1, **row))
            for number, image in enumerate(ad["images"]):
                key = f"ads/ad_{ad_id}/{number}{image['stem']}.jpg"
                columns = {k: v for k, v in image.items() if k not in ("stem", "widths")}
                columns |= {"owner_kind": "ad", "owner_id": ad_id, "key": key, "etag": "e"}
                image_id = session.scalar(insert(Image).values(**columns).returning(Image.id))
                for width in image["widths"]:
                    variant = {"image_id": image_id, "key": f"{key}_w{width}.webp", "width": width}
                    variant |= {"content_type": "image/webp", "height": 7, "size": 1, "etag": "e"}
                    values = insert(ImageVariant).values(checksum_sha256="d" * 44, **variant)
                    session.execute(values)
        session.commit()


def by_model(app: Flask, viewer: Principal | None) -> list[dict[str, Any]]:
    """Return all ads, newest first, as models and schemas make their JSON."""
    with app.extensions["broker"].database.session() as session, app.app_context():
        owner = session.get_one(User, 1)
        found = []
        for ad in session.query(Ad).order_by(Ad.id.desc()):
            view: Any = AdView(ad, owner, images_by_model(session, ad.id))  # type: ignore[arg-type]
            found.append(the(ads.Ad).dump(shapes.ad(view, viewer)))
        return found


def files_by_model(app: Flask, ad_id: int, *, shows_names: bool) -> list[dict[str, Any]]:
    with app.extensions["broker"].database.session() as session, app.app_context():
        images = images_by_model(session, ad_id)
        found = shapes.files(images, datetime.now(UTC), shows_names=shows_names)
        return [the(files.File).dump(one) for one in found]


def images_by_model(session: Session, ad_id: int) -> list[Image]:
    images = session.query(Image).filter_by(owner_kind="ad", owner_id=ad_id).all()
    return sorted(images, key=lambda image: (image.order, image.created_at, image.id))


def client_of(app: Flask, sub: int | None) -> Client:
    """Return a client that has signed in, so that its token writes nothing later."""
    if sub is None:
        return Client(app, None)
    role = {"role": "service"} if sub == SERVICE else {}
    client = Client(app, token(sub, **role))
    assert client.get("/api/users/me/").status_code == 200
    return client


def pages(client: Client, path: str, limit: int) -> list[dict[str, Any]]:
    """Return the items on all pages of a list."""
    found, query = [], {"limit": limit}
    while True:
        page = client.get(path, query_string=query).get_json()
        found += page["results"]
        if page["next_cursor"] is None:
            return found
        assert len(page["results"]) == limit
        query["cursor"] = page["next_cursor"]


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    user=USERS,
    stored=st.lists(ADS, min_size=1, max_size=3),
    sub=st.sampled_from([*CALLERS]),
    limit=st.integers(1, 3),
)
def test_every_read_is_what_models_and_schemas_make_of_the_rows(
    app: Flask, user: dict[str, Any], stored: list[dict[str, Any]], sub: int | None, limit: int
) -> None:
    client = client_of(app, sub)
    store(app, user, stored)
    expected = by_model(app, CALLERS[sub])
    assert [client.get(f"/api/ads/{ad['id']}/").get_json() for ad in expected] == expected
    assert pages(client, "/api/ads/", limit) == expected
    for ad in expected:
        listed = pages(client, f"/api/owners/ad_image/{ad['id']}/files/", limit)
        assert listed == files_by_model(app, ad["id"], shows_names=sub in (1, SERVICE))


@given(key=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_key_is_quoted_in_its_url(key: str) -> None:
    profiles = Limits().profiles
    assert (
        public_url(profiles, "https://cdn.example/m", key) == f"https://cdn.example/m/{quote(key)}"
    )


def test_an_answer_to_a_change_is_what_the_next_read_returns(
    alice: Client, service: Client
) -> None:
    body = {"title": "A bicycle", "description": "Red.", "price": "850.5"}
    keyed = {"headers": {"Idempotency-Key": "k"}}

    def changed(client: Client, method: str, path: str, json: Any = None, **more: Any) -> None:
        answer = client.call(method, path, json=json, **more).get_json()
        assert client.get(f"/api/ads/{answer['id']}/").get_json() == answer

    changed(alice, "POST", "/api/ads/", body)
    for _ in range(2):
        changed(alice, "POST", "/api/ads/", body, **keyed)
    path = f"/api/ads/{alice.ad()}/"
    changed(alice, "PATCH", path, {"description": "Blue."})
    changed(alice, "POST", f"{path}mark_sold/")
    for there in (path, "/api/ads/4000/"):
        changed(service, "PUT", there, {**body, "owner": "1"})
