"""The base of every history: time, owners, uploads, and the comparison after each action.

The actions are in `lifecycle*.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy import delete, select

from broker.db.models import Ad, Base, Deletion, Image, Upload, UserQuota
from broker.db.session import Database
from broker.domain.errors import BrokerError
from broker.domain.limits import Limits
from broker.domain.principal import Principal, Role
from broker.services.idempotency import KeptAnswer, claim
from broker.services.work import Work
from tests.faults.invariants import compare
from tests.fuzz import model
from tests.fuzz.buckets import HistoryBucket
from tests.fuzz.model import ModelOwner, ModelUpload, Quota

ALICE, BOB = Principal(user_id=1), Principal(user_id=2)
BACKEND = Principal(user_id=9, role=Role.SERVICE)
WHO = st.sampled_from([ALICE, ALICE, BACKEND])
RULES = Limits(
    require_checksum=False,
    max_images_per_ad=model.PLACES,
    max_image_bytes=model.MOST["ad"],
    max_avatar_bytes=model.MOST["user"],
    put_ttl=round(model.PUT.total_seconds()),
    multipart_ttl=round(model.LIFE["multipart"].total_seconds()),
    part_size=model.PART,
    quota_window=round(model.WINDOW.total_seconds()),
    quota_bytes=model.QUOTA_BYTES,
    quota_files=model.QUOTA_FILES,
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
        self.quota = Quota()
        self.sweeps: dict[str, datetime] = {}
        self.alice = self.owner("user", ALICE.user_id)
        self.all_ads: list[ModelOwner] = []
        self.recent: list[ModelUpload] = []
        with self.database.session() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
            session.commit()

    def owner(self, kind: str, owner_id: int) -> ModelOwner:
        keeps = self.limits.keeps_arrived
        return ModelOwner(kind, owner_id, self.quota, self.sweeps, keeps=keeps)

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
                storage=storage or self.bucket.storage,
                limits=self.limits,
                principal=who,
                now=self.now,
            )
            return code_of(lambda: service(work, *args, **kwargs))

    def kept_answer(self, who: Principal) -> KeptAnswer[Any]:
        """Return the response of a request with an idempotency key."""
        _, claimed = self.act(claim, who, key=str(uuid4()), fingerprint="")
        return KeptAnswer(claim=claimed, status=201, body_of=lambda made: "")

    @invariant()
    def rows_and_objects_agree(self) -> None:
        assert compare(self.database, self.limits, self.bucket, at_rest=False).violations == []

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        with self.database.session() as session:
            rows = session.execute(select(Upload.id, Upload.state, Upload.expires_at)).all()
            states = {row.id: (str(row.state), row.expires_at) for row in rows}
            images = session.execute(select(Image.upload_id, Image.id, Image.size)).all()
            places = session.execute(select(Ad.id, Ad.slots_taken)).all()
            quotas = session.execute(
                select(UserQuota.window_start, UserQuota.bytes_taken, UserQuota.files_taken)
            ).all()
            outbox = session.scalars(select(Deletion)).all()
            session.commit()
        uploads = [upload for owner in self.owners for upload in owner.uploads]
        assert states == {upload.id: (upload.state, upload.expires_at) for upload in uploads}
        assert {tuple(row) for row in images} == {
            (one.id, one.image, one.size) for one in uploads if one.has_image
        }
        there = [ad for ad in self.all_ads if not ad.deleted]
        assert {tuple(row) for row in places} == {(ad.id, ad.places()) for ad in there}
        self.quota_is_refunded_after_the_last_deletion(uploads, outbox)
        kept = self.quota
        charged = [] if kept.begun is None else [(kept.begun, kept.size, kept.files)]
        assert [tuple(row) for row in quotas] == charged
        self.outbox_is_as_the_model_says(outbox)

    def quota_is_refunded_after_the_last_deletion(
        self, uploads: list[ModelUpload], outbox: Any
    ) -> None:
        """Check that an ended upload stays charged while its deletion is in the outbox."""
        charging = {row.upload_id for row in outbox} - {None}
        owing = {upload.id: upload for upload in uploads if upload.owed_until is not None}
        assert charging <= owing.keys()
        for upload_id in owing.keys() - charging:
            owing[upload_id].swept(self.now)

    def outbox_is_as_the_model_says(self, outbox: Any) -> None:
        """Check that a key stays in the outbox until the last form or URL for it has expired."""
        due: dict[str, datetime] = {}
        for row in outbox:
            key = f"{'parts of ' if row.multipart_id else ''}{row.object_key}"
            due[key] = max(row.not_before, row.repeat_at or row.not_before, due.get(key, self.now))
        assert due.keys() <= self.sweeps.keys()
        for key, until in self.sweeps.items():
            assert until <= self.now or (key in due and due[key] >= until), key
