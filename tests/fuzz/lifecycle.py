"""Histories of uploads: every act in any order, as time passes, compared with the model."""

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import delete, select

from broker.db.models import Base, Image, Upload
from broker.db.session import Database
from broker.domain.errors import BrokerError
from broker.domain.owners import AD
from broker.domain.principal import Principal
from broker.domain.rules import Rules
from broker.services import ads as ad_services
from broker.services import images
from broker.services.cancel import cancel
from broker.services.confirm import confirm
from broker.services.issue import FileRequest, issue
from broker.services.reap import reap_once
from broker.services.renew import renew
from tests.faults.invariants import compare
from tests.fuzz import model
from tests.fuzz.buckets import World
from tests.fuzz.fake_bucket import end_of
from tests.fuzz.model import ModelAd, ModelUpload

ALICE, BOB = Principal(user_id=1), Principal(user_id=2)
RULES = Rules(require_checksum=False, max_images_per_ad=model.PLACES)
NEW_AD = {"title": "A bicycle", "description": "", "price": Decimal(1), "is_active": True}
# Within a form, past it, past its grace, past every signature.
PASSING = [timedelta(seconds=seconds) for seconds in (1, 60, 200, 299, 301, 901, 1201, 4501)]
ADS_MAX = 3
BACK = st.sampled_from([0, 0, 0, 1, 2])
FORBIDDEN = {"not_found", "forbidden"}


def code_of(act: Callable[[], Any]) -> tuple[str | None, Any]:
    """Give the code of the error that an act gives, or what it gives."""
    try:
        return None, act()
    except BrokerError as error:
        return error.code, None


def some(machine: "Lifecycle") -> bool:
    """Tell whether anything has been issued."""
    return bool(machine.recent)


class Lifecycle(RuleBasedStateMachine):
    """One history; `world` and `database` are set by the test, and emptied for each."""

    world: World
    database: Database

    @initialize()
    def begin(self) -> None:
        self.world.clear()
        self.now = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=60)
        self.all_ads: list[ModelAd] = []
        self.recent: list[ModelUpload] = []
        with self.database.session() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(delete(table))
            session.commit()
        self.create_ad()
        self.issue(0, [True, False])

    def upload(self, back: int) -> ModelUpload:
        """Give one of the newest: what happens to one upload in a row is what tells."""
        return self.recent[-1 - back % len(self.recent)]

    def act(self, service: Callable[..., Any], *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """Call a service in a session of its own."""
        with self.database.session() as session:
            return code_of(lambda: service(session, *args, now=self.now, **kwargs))

    @precondition(lambda self: len(self.all_ads) < ADS_MAX)
    @rule()
    def create_ad(self) -> None:
        _, view = self.act(ad_services.create_ad, ALICE, NEW_AD)
        self.all_ads.append(ModelAd(id=view.ad.id))

    @rule(back=BACK, pins=st.lists(st.booleans(), min_size=1, max_size=2))
    def issue(self, back: int, pins: list[bool]) -> None:
        ad = self.all_ads[-1 - back % len(self.all_ads)]
        datas = [f"photo {len(ad.uploads)} {number}".encode() for number in range(len(pins))]
        files = [declared(data, pinned) for data, pinned in zip(datas, pins, strict=True)]
        args = (self.world.storage.presigner, RULES)
        code, tickets = self.act(issue, *args, ALICE, AD, ad.id, files)
        assert code == ad.issue(len(pins), self.now)
        assert self.act(issue, *args, BOB, AD, ad.id, files)[0] in FORBIDDEN
        made = [
            ModelUpload(
                id=ticket.upload.id,
                ad=ad,
                data=data,
                pinned=pinned,
                expires_at=self.now + model.TTL,
                forms=[ticket.transfer],
                key=ticket.upload.key,
            )
            for ticket, data, pinned in zip(tickets or [], datas, pins, strict=bool(tickets))
        ]
        ad.uploads += made
        self.recent += made

    @precondition(some)
    @rule(back=BACK, form=st.integers(0, 5), change=st.sampled_from(["", "other", "longer"]))
    def send(self, back: int, form: int, change: str) -> None:
        upload = self.upload(back)
        data = {"": upload.data, "other": upload.data[::-1], "longer": upload.data + b"x"}[change]
        chosen = upload.forms[form % len(upload.forms)]
        alive = self.now < end_of(chosen)
        taken = self.world.send(chosen, data, self.now)
        assert taken == (alive and upload.takes(data))
        if taken and upload.state == "pending":
            upload.object = ("form", data)

    @precondition(some)
    @rule(back=BACK)
    def forge(self, back: int) -> None:
        """Somebody with the bucket's keys writes other bytes where a form was to."""
        upload = self.upload(back)
        if upload.state == "pending":
            key = upload.forms[0].fields["key"]
            self.world.forge(key, b"forged")
            upload.object = ("forged", b"forged")

    @precondition(some)
    @rule(back=BACK, times=st.integers(1, 2))
    def confirm(self, back: int, times: int) -> None:
        upload = self.upload(back)
        for _ in range(times):
            args = (self.world.storage, RULES)
            assert self.act(confirm, *args, BOB, upload.id)[0] == "not_found"
            code, image = self.act(confirm, *args, ALICE, upload.id)
            assert code == model.confirm(upload, self.now)
            if code is None:
                assert upload.image in (None, image.id)
                upload.image = image.id

    @precondition(some)
    @rule(back=BACK)
    def cancel(self, back: int) -> None:
        upload = self.upload(back)
        args = (self.world.storage, RULES)
        assert self.act(cancel, *args, BOB, upload.id)[0] == "not_found"
        assert self.act(cancel, *args, ALICE, upload.id)[0] == model.cancel(upload)

    @precondition(some)
    @rule(back=BACK)
    def renew(self, back: int) -> None:
        upload = self.upload(back)
        args = (self.world.storage.presigner, RULES)
        assert self.act(renew, *args, BOB, upload.id)[0] == "not_found"
        code, ticket = self.act(renew, *args, ALICE, upload.id)
        assert code == model.renew(upload, self.now)
        if ticket is not None:
            assert ticket.upload.key == upload.key
            upload.forms.append(ticket.transfer)

    @precondition(some)
    @rule(back=BACK)
    def delete_image(self, back: int) -> None:
        upload = self.upload(back)
        args = (upload.ad.id, upload.image or 1_000_000)
        assert self.act(images.delete_image, BOB, *args, rules=RULES)[0] in FORBIDDEN
        there = upload.image is not None and not upload.image_deleted
        code, _ = self.act(images.delete_image, ALICE, *args, rules=RULES)
        assert code == (None if there else "not_found")
        upload.image_deleted |= there

    @precondition(lambda self: len(self.recent) > ADS_MAX and not self.all_ads[-1].deleted)
    @rule()
    def delete_ad(self) -> None:
        ad = self.all_ads[-1]
        assert self.act(ad_services.delete_ad, BOB, ad.id, rules=RULES)[0] in FORBIDDEN
        assert self.act(ad_services.delete_ad, ALICE, ad.id, rules=RULES)[0] is None
        ad.delete()

    @rule()
    def reap(self) -> None:
        due = sum(upload.stale(self.now) for ad in self.all_ads for upload in ad.uploads)
        _, reaped = self.act(reap_once, self.world.storage, RULES)
        assert reaped.expired == due
        for ad in self.all_ads:
            ad.expire(self.now)

    @rule(passing=st.sampled_from(PASSING))
    def pass_time(self, passing: timedelta) -> None:
        self.now += passing

    @invariant()
    def rows_and_objects_agree(self) -> None:
        assert compare(self.database, RULES, self.world, at_rest=False).violations == []

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        with self.database.session() as session:
            rows = session.execute(select(Upload.id, Upload.state)).all()
            states = {row.id: str(row.state) for row in rows}
            rows = session.execute(select(Image.upload_id, Image.id)).all()
            found = {row.upload_id: row.id for row in rows}
        uploads = [upload for ad in self.all_ads for upload in ad.uploads]
        assert states == {upload.id: upload.state for upload in uploads}
        assert found == {
            one.id: one.image for one in uploads if one.image is not None and not one.image_deleted
        }

    def teardown(self) -> None:
        """When all forms are dead and the reaper has run, nothing waits and nothing is left."""
        if not hasattr(self, "now"):
            return
        for _ in range(2):
            self.now += timedelta(days=3)
            self.reap()
        assert compare(self.database, RULES, self.world, at_rest=True).violations == []
        self.rows_are_as_the_model_says()


def declared(data: bytes, pinned: bool) -> FileRequest:
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
    return FileRequest(
        file_name="main.jpg",
        content_type="image/jpeg",
        size=len(data),
        checksum_sha256=digest if pinned else None,
    )
