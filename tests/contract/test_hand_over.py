"""Uploads are handed over to the workers by one statement of the driver."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from broker.db.fast_path import read_upload, set_processing
from broker.db.models import Ad, Upload
from broker.db.owner_tables import table_of
from broker.db.session import Database
from broker.domain.limits import Limits
from broker.domain.principal import Principal
from broker.services.marketplace.sign_in import ensure_user

NOW = datetime(2026, 11, 23, 9, 30, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def ad_id(database: Database) -> int:
    """Create users 1 and 2, and an ad of user 2."""
    with database.session() as session:
        for user_id in (1, 2):
            ensure_user(session, Principal(user_id=user_id), now=NOW)
        ad = Ad(
            owner_id=2,
            title="Bicycle",
            description="",
            price=Decimal(1),
            is_active=True,
            is_sold=False,
            created_at=NOW,
            updated_at=NOW,
        )
        session.add(ad)
        session.commit()
        return ad.id


def stored(database: Database, ad_id: int, *, user_id: int) -> Upload:
    upload = Upload(
        id=uuid4(),
        state="pending",
        owner_kind="ad",
        owner_id=ad_id,
        user_id=user_id,
        issued_by=user_id,
        key=f"ads/ad_{ad_id}/{uuid4()}.jpg",
        content_type="image/jpeg",
        size=5,
        transport="post",
        alt_text="",
        order=0,
        created_at=NOW,
        expires_at=NOW,
    )
    with database.session() as session:
        session.add(upload)
        session.commit()
    return upload


def test_a_pending_upload_is_handed_over_once_and_is_due_even_if_this_clock_is_ahead(
    database: Database, ad_id: int
) -> None:
    upload = stored(database, ad_id, user_id=2)
    ahead = datetime.now(UTC) + timedelta(days=1)
    with database.session() as session:
        changed = set_processing(session, upload.id, owner=None, now=ahead)
        assert set_processing(session, upload.id, owner=None, now=ahead) is None
        assert set_processing(session, uuid4(), owner=None, now=ahead) is None
        by_orm = session.get_one(Upload, upload.id)
    assert changed is not None
    for column in Upload.__table__.columns:
        assert getattr(changed, column.key) == getattr(by_orm, column.key)
    assert (by_orm.state, by_orm.processing_since) == ("processing", ahead)
    assert by_orm.due_at is not None
    is_sqlite = database.engine.dialect.name == "sqlite"  # this process is its only clock
    assert by_orm.due_at == ahead if is_sqlite else by_orm.due_at < datetime.now(UTC)


def test_an_upload_is_handed_over_only_while_its_owner_belongs_to_its_user(
    database: Database, ad_id: int
) -> None:
    ads = table_of(Limits().profiles.ad_image)
    uploads = [stored(database, ad_id, user_id=user_id) for user_id in (1, 2)]
    with database.session() as session:
        read = [read_upload(session, each.id) for each in uploads]
        assert [each and each.still_owned for each in read] == [False, True]
        by_orm = [session.get_one(Upload, each.id) for each in uploads]
        assert [each.still_owned for each in by_orm] == [None, None], "nobody has asked"
        changed = [set_processing(session, each.id, owner=ads, now=NOW) for each in uploads]
    assert [each is not None for each in changed] == [False, True]
