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

from broker.db.models import Base, EventFeed, Image
from broker.db.session import Database
from broker.domain.errors import BrokerError
from broker.domain.grants import Action, Grants
from broker.domain.limits import Limits
from broker.domain.object_keys import published_key
from broker.domain.principal import Principal, Role
from broker.services.idempotency import KeptAnswer, claim
from broker.services.work import Work
from tests.faults.invariants import compare
from tests.faults.stored import Rows, Stored, stored_in
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

    def places(self, stored: Stored) -> Rows:
        """Return the rows that count the slots of owners."""
        return stored.ads

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
            rows = session.execute(select(Image.upload_id, Image.id)).all()
            session.commit()
        images = {row.upload_id: row.id for row in rows}
        for upload in self.recent:
            if upload.image == model.KEPT:
                upload.image = images.get(upload.id, model.KEPT)

    @invariant()
    def rows_objects_and_model_agree(self) -> None:
        self.compare(at_rest=False)

    def compare(self, *, at_rest: bool) -> None:
        objects, stored = self.bucket.objects(), stored_in(self.database)
        state = compare(objects, stored, self.limits, self.bucket, at_rest=at_rest)
        assert state.violations == []
        assert not self.world.targets
        uploads = [upload for owner in self.owners for upload in owner.uploads]
        assert {
            (
                *(row.id, row.state, row.expires_at),
                *(row.written_key, row.publish_attempts, row.attempts, row.reason),
            )
            for row in stored.uploads
        } == {
            (one.id, one.state, one.expires_at, one.written, one.attempts, one.tries, one.reason)
            for one in uploads
        }
        published = functools.partial(published_key, self.limits)
        assert {(row.upload_id, row.id, row.size, published(row.key)) for row in stored.images} == {
            (one.id, one.image, one.image_size, one.image_key) for one in uploads if one.has_image
        }
        upload_of = {row.id: row.upload_id for row in stored.images}
        assert {
            (upload_of[row.image_id], published(row.key), row.size) for row in stored.variants
        } == {(one.id, key, size) for one in uploads if one.has_image for key, size in one.variants}
        there = [ad for ad in self.all_ads if not ad.deleted]
        assert {(row.id, row.slots_taken) for row in self.places(stored)} == {
            (ad.id, ad.places()) for ad in there
        }
        kept = self.world.quota
        charged = [] if kept.begun is None else [(kept.begun, kept.size, kept.files)]
        assert [
            (row.window_start, row.bytes_taken, row.files_taken) for row in stored.quotas
        ] == charged
        self.outbox_is_as_the_model_says(stored.deletions)
        self.objects_are_as_the_model_says(objects, uploads)

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

    def objects_are_as_the_model_says(self, objects: Any, uploads: list[ModelUpload]) -> None:
        """Check that the bucket has exactly the expected objects, with their sizes."""
        written = {one.written: len(one.object[1]) for one in uploads if one.object is not None}
        found = {key: size for key, (size, _) in objects.items()}
        assert found == {**written, **self.world.public}
