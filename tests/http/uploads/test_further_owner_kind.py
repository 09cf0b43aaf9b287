"""A further kind of owner, with its own table, needs two rows and no other code.

The kind is registered as a developer does it: one row in `domain/owners.py`, one in
`db/owner_tables.py`. Then it is tested like ads and users.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import BigInteger, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from broker.api.auth.tokens import requires_token
from broker.api.routes.issue_tickets import issue_one
from broker.db.models import Image, Upload, UserQuota
from broker.db.owner_tables import OWNER_TABLES, OwnerTable
from broker.domain.owners import OWNER_KINDS, OwnerKind
from broker.domain.reconciliation import DifferenceKind
from broker.services.reconcile.verify_rows import wrong_rows
from broker.services.uploads.images import delete_of_owner
from tests.http.client import JPEG, Client, declared, rows, send
from tests.http.reconciling import PAST_EVERY_TICKET, adopted, put, put_ours, reconciled, there
from tests.http.uploads.test_lifecycle import reap
from tests.servers.fixtures import Bucket

LIFE = timedelta(seconds=120)
PRODUCT = OwnerKind(
    name="product",
    purpose="product_image",
    prefix="products/product_",
    keeps_one=False,
    max_bytes=lambda limits: 2 * len(JPEG),
    max_count=lambda limits: 2,
    ttl=lambda limits, transport: LIFE,
    variant_widths=lambda limits: (320,),
)
SELLER, OTHER = 1, 2
MINE, THEIRS = 7, SELLER  # the other seller's product has the id of a user


class Base(DeclarativeBase):
    """Not the broker's own Base, because the migrations must match its tables."""


class Product(Base):
    """A product that another service sells."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    seller: Mapped[int] = mapped_column(BigInteger)
    images: Mapped[int] = mapped_column(default=0)


@pytest.fixture
def products(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Register the kind, its table and a route, and store two products."""
    table = OwnerTable(kind=PRODUCT, id=Product.id, user_id=Product.seller, slots=Product.images)
    monkeypatch.setitem(OWNER_KINDS, PRODUCT.name, PRODUCT)
    monkeypatch.setitem(OWNER_TABLES, PRODUCT.name, table)
    database = app.extensions["broker"].database
    Base.metadata.create_all(database.engine)
    with database.session() as session:
        session.add(Product(id=MINE, seller=SELLER))
        session.add(Product(id=THEIRS, seller=OTHER))
        session.commit()

    @requires_token
    def upload_image(product_id: int) -> Any:
        return issue_one(PRODUCT, product_id, request.get_json())

    app.add_url_rule("/products/<int:product_id>/", view_func=upload_image, methods=["POST"])
    yield
    Base.metadata.drop_all(database.engine)


def ask(client: Client, product: int = MINE, **changes: Any) -> Any:
    """Request a ticket. The route of this test is not in the OpenAPI document."""
    return client.app.test_client().post(
        f"/products/{product}/",
        json=declared(**changes),
        headers={"Authorization": f"Bearer {client.token}"},
    )


def slots(app: Flask, product: int = MINE) -> int:
    with app.extensions["broker"].database.session() as session:
        return session.get_one(Product, product).images


def disagreeing(app: Flask) -> list[str]:
    with app.extensions["broker"].system_work() as work:
        return list(wrong_rows(work))


@pytest.mark.usefixtures("products")
def test_only_the_owner_of_a_product_gets_a_ticket(
    app: Flask, alice: Client, bob: Client, service: Client
) -> None:
    bob.ad()
    alice.ad()
    assert ask(bob).status_code == 403
    # A user with the same id as the product has no right to the product.
    assert ask(alice, THEIRS).status_code == 403
    assert ask(alice, 999).status_code == 404
    assert (rows(app, Upload), slots(app), slots(app, THEIRS)) == (0, 0, 0)
    assert ask(alice).status_code == 201
    assert ask(service).status_code == 201
    assert (rows(app, Upload), slots(app)) == (2, 2)
    assert disagreeing(app) == []


@pytest.mark.usefixtures("products")
def test_a_photo_is_sent_confirmed_and_deleted(
    app: Flask, alice: Client, bob: Client, s3_bucket: Bucket
) -> None:
    alice.ad()
    bob.ad()
    ticket = ask(alice).get_json()
    lives = datetime.fromisoformat(ticket["expires_at"]) - datetime.fromisoformat(
        ticket["server_time"]
    )
    assert lives == LIFE
    renewed = alice.post(f"/api/uploads/{ticket['id']}/renew/").get_json()
    lives = datetime.fromisoformat(renewed["expires_at"]) - datetime.fromisoformat(
        renewed["server_time"]
    )
    assert lives == LIFE
    assert send(renewed).status_code == 201
    assert bob.post(ticket["confirm_url"]).status_code == 404
    confirmed = alice.post(ticket["confirm_url"])
    assert confirmed.status_code == 200
    assert confirmed.get_json()["image"].startswith(f"products/product_{MINE}/")
    assert slots(app) == 1
    key = f"incoming/{ticket['key']}"
    with app.extensions["broker"].system_work() as work:
        deleted = delete_of_owner(work.session, work.limits, PRODUCT, MINE, now=work.now)
        work.session.commit()
    assert deleted == [ticket["key"]]
    assert slots(app) == 0
    reap(app)
    assert not there(s3_bucket, key)
    assert disagreeing(app) == []


@pytest.mark.usefixtures("products")
def test_slots_and_quota_are_counted_and_given_back(app: Flask, alice: Client) -> None:
    alice.ad()
    tickets = [ask(alice).get_json() for _ in range(2)]
    refused = ask(alice)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "image_limit_reached")
    assert ask(alice, size=2 * len(JPEG) + 1).status_code == 422
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(UserQuota, SELLER).files_taken == 2
    assert alice.delete(f"/api/uploads/{tickets[0]['id']}/").status_code == 204
    assert slots(app) == 1
    reap(app, timedelta(hours=3))
    assert slots(app) == 0
    with app.extensions["broker"].database.session() as session:
        assert session.get_one(UserQuota, SELLER).files_taken == 0
        assert set(session.scalars(select(Upload.state))) == {"cancelled", "expired"}
    assert disagreeing(app) == []


@pytest.mark.usefixtures("products")
def test_adopt_and_reconcile_know_the_kind(app: Flask, s3_bucket: Bucket) -> None:
    put(s3_bucket, f"media/products/product_{MINE}/old.jpg")
    put(s3_bucket, "media/products/product_999/old.jpg")
    tally = adopted(app)
    assert (tally.adopted, rows(app, Image), slots(app)) == (1, 1, 1)
    orphan = f"media/products/product_{MINE}/left.jpg"
    put_ours(s3_bucket, orphan)
    found = reconciled(app, fix=True, after=PAST_EVERY_TICKET)
    kinds = {one.key: one.kind for one in found}
    assert kinds[orphan] is DifferenceKind.ORPHAN
    assert not there(s3_bucket, orphan)
    assert there(s3_bucket, f"media/products/product_{MINE}/old.jpg")
    assert disagreeing(app) == []


def test_a_kind_without_a_table_raises_and_writes_nothing(
    app: Flask, alice: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the row is missing, a product must not be treated as a user."""
    monkeypatch.setitem(OWNER_KINDS, PRODUCT.name, PRODUCT)

    @requires_token
    def upload_image(product_id: int) -> Any:
        return issue_one(PRODUCT, product_id, request.get_json())

    app.add_url_rule("/products/<int:product_id>/", view_func=upload_image, methods=["POST"])
    alice.ad()
    app.testing = True
    with pytest.raises(LookupError):
        ask(alice, SELLER)
    assert rows(app, Upload) == 0
