"""The base of every history: time, owners, uploads, and the comparison after each action.

The actions are in `lifecycle*.py`.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import delete, select, update

from broker.db.models import (
    Ad,
    Base,
    Deletion,
    EventFeed,
    Image,
    ImageVariant,
    Upload,
    UserQuota,
)
from broker.db.session import Database
from broker.domain.errors import BrokerError
from broker.domain.grants import Action, Grants
from broker.domain.limits import Limits
from broker.domain.object_keys import published_key
from broker.domain.principal import Principal, Role
from broker.services.idempotency import KeptAnswer, claim
from broker.services.work import Work
from tests.faults.invariants import compare
from tests.fuzz import model
from tests.fuzz.buckets import HistoryBucket
from tests.fuzz.late_answers import CopiedKeys
from tests.fuzz.model import ModelOwner, ModelUpload
from tests.fuzz.model_world import QUOTA_BYTES, QUOTA_FILES, WINDOW, World

PAPERS = ("order-1", "order-2", "order-3")
GRANTS = Grants({("paper", name): frozenset({Action.CREATE}) for name in PAPERS})
ALICE, BOB = Principal(user_id=1, grants=GRANTS), Principal(user_id=2)
BACKEND = Principal(user_id=9, role=Role.SERVICE)
WHO = st.sampled_from([ALICE, ALICE, BACKEND])
RULES = Limits(
    reap="delete",
    require_checksum=False,
    max_images_per_ad=model.PLACES,
    max_image_bytes=model.MOST["ad"],
    max_avatar_bytes=model.MOST["user"],
    put_ttl=round(model.PUT.total_seconds()),
    multipart_ttl=round(model.LIFE["multipart"].total_seconds()),
    part_size=model.PART,
    quota_window=round(WINDOW.total_seconds()),
    quota_bytes=QUOTA_BYTES,
    quota_files=QUOTA_FILES,
    inspection="off",
    ad_image_variants=(16, 32),
    avatar_variants=(16,),
)
KEEPING = replace(RULES, reap="confirm")
BACK = st.sampled_from([0, 0, 0, 1, 2])
FORBIDDEN = {"not_found", "forbidden"}


def code_of(act: Callable[[], Any]) -> tuple[str | None, Any]:
    """Call `act`; return its error code and None, or None and its result."""
    try:
        return None, act()
    except BrokerError as error:
        return error.code, None


class Machine(RuleBasedStateMachine):
    """One history. The test sets `bucket` and `database`; each history empties them."""

    bucket: HistoryBucket
    database: Database
    limits = RULES
    places: Any = (Ad.id, Ad.slots_taken)

    def empty(self) -> None:
        self.bucket.clear()
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
        self.world = World()
        self.alice = self.owner("user", ALICE.user_id)
        self.all_ads: list[ModelOwner] = []
        self.recent: list[ModelUpload] = []
        with self.database.session() as session:
            for table in reversed(Base.metadata.sorted_tables):
                if table is not EventFeed.__table__:
                    session.execute(delete(table))
            session.execute(update(EventFeed).values(last_sequence=0, pruned_sequence=0))
            session.commit()

    def owner(self, kind: str, owner_id: int) -> ModelOwner:
        keeps = self.limits.keeps_arrived
        return ModelOwner(kind, owner_id, self.world, keeps=keeps)

    @property
    def owners(self) -> list[ModelOwner]:
        return [self.alice, *self.all_ads]

    def upload(self, back: int) -> ModelUpload:
        """Return one of the newest uploads, so that several actions use the same upload."""
        return self.recent[-1 - back % len(self.recent)]

    def act(
        self,
        service: Callable[..., Any],
        who: Principal,
        *args: Any,
        storage: Any = None,
        **kwargs: Any,
    ) -> tuple[Any, Any]:
        """Call a service in its own session; return the error's code, and the result."""
        with self.database.session() as session:
            work = Work(
                session=session,
                storage=CopiedKeys(storage or self.bucket.storage, self.world.targets),
                limits=self.limits,
                principal=who,
                now=self.now,
            )
            # If two avatars are kept at once, the second one stays, so use a fixed order.
            with patch("random.sample", lambda found, count: found):
                return code_of(lambda: service(work, *args, **kwargs))

    def kept_answer(self, who: Principal) -> KeptAnswer[Any]:
        """Return the response of a request with an idempotency key."""
        _, claimed = self.act(claim, who, key=str(uuid4()), fingerprint="")
        return KeptAnswer(claim=claimed, status=201, body_of=lambda made: "")

    def learn_ids_of_images(self) -> None:
        """Read the ids of images that no answer has named."""
        with self.database.session() as session:
            images = {image.upload_id: image.id for image in session.scalars(select(Image))}
            session.commit()
        for upload in self.recent:
            if upload.image == model.KEPT:
                upload.image = images.get(upload.id, model.KEPT)

    @invariant()
    def rows_and_objects_agree(self) -> None:
        assert compare(self.database, self.limits, self.bucket, at_rest=False).violations == []

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        assert not self.world.targets
        with self.database.session() as session:
            rows = session.execute(
                select(
                    *(Upload.id, Upload.state, Upload.expires_at),
                    *(Upload.written_key, Upload.publish_attempts),
                    *(Upload.attempts, Upload.reason),
                )
            ).all()
            images = session.execute(select(Image.upload_id, Image.id, Image.size, Image.key)).all()
            variants = session.execute(
                select(Image.upload_id, ImageVariant.key, ImageVariant.size).join(
                    Image, Image.id == ImageVariant.image_id
                )
            ).all()
            places = session.execute(select(*self.places)).all()
            quotas = session.execute(
                select(UserQuota.window_start, UserQuota.bytes_taken, UserQuota.files_taken)
            ).all()
            outbox = session.scalars(select(Deletion)).all()
            session.commit()
        uploads = [upload for owner in self.owners for upload in owner.uploads]
        assert {tuple(row) for row in rows} == {
            (one.id, one.state, one.expires_at, one.written, one.attempts, one.tries, one.reason)
            for one in uploads
        }
        published = functools.partial(published_key, self.limits)
        assert {(*row[:3], published(row[3])) for row in images} == {
            (one.id, one.image, one.image_size, one.image_key) for one in uploads if one.has_image
        }
        assert {(row[0], published(row[1]), row[2]) for row in variants} == {
            (one.id, key, size) for one in uploads if one.has_image for key, size in one.variants
        }
        there = [ad for ad in self.all_ads if not ad.deleted]
        assert {tuple(row) for row in places} == {(ad.id, ad.places()) for ad in there}
        kept = self.world.quota
        charged = [] if kept.begun is None else [(kept.begun, kept.size, kept.files)]
        assert [tuple(row) for row in quotas] == charged
        self.outbox_is_as_the_model_says(outbox)
        self.objects_are_as_the_model_says(uploads)

    def outbox_is_as_the_model_says(self, outbox: Any) -> None:
        """Check each row: its key, its times, and what is refunded when it is done."""
        found = [
            (
                *(row.object_key, row.multipart_id is not None, row.not_before, row.repeat_at),
                *(row.attempts, row.upload_id, row.charged_window),
            )
            for row in outbox
        ]
        expected = [
            (
                *(row.key, row.abort, row.due, row.repeat),
                *(row.attempts, row.refunds and row.refunds.id, row.window),
            )
            for row in self.world.rows
        ]
        assert sorted(found, key=str) == sorted(expected, key=str)

    def objects_are_as_the_model_says(self, uploads: list[ModelUpload]) -> None:
        """Check that the bucket has exactly the expected objects, with their sizes."""
        written = {one.written: len(one.object[1]) for one in uploads if one.object is not None}
        found = {key: size for key, (size, _) in self.bucket.objects().items()}
        assert found == {**written, **self.world.public}
