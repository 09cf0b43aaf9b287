"""Ads: create, read, list, edit and delete."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from broker.db.fast_path.transactions import read_only
from broker.db.models import Ad, Image, Upload, User
from broker.domain.errors import NotFound
from broker.domain.limits import Limits
from broker.domain.object_keys import object_key
from broker.domain.owners import AD
from broker.domain.principal import Principal
from broker.domain.states import UploadState
from broker.services.marketplace.ownership import require_own_ad
from broker.services.marketplace.sign_in import sign_in
from broker.services.uploads import outbox
from broker.services.uploads.state import discard_all
from broker.telemetry import audit


@dataclass(frozen=True, kw_only=True)
class AdView:
    """An ad with its owner and its images, main image first."""

    ad: Ad
    owner: User
    images: Sequence[Image]


def create_ad(
    session: Session,
    principal: Principal,
    fields: Mapping[str, Any],
    *,
    before_commit: Callable[[AdView], None] | None = None,
    now: datetime,
) -> AdView:
    """Create an ad of the principal's own; `fields` are title, description, price, is_active.

    What `before_commit` writes is committed with the ad; where it raises there is none.
    """
    # A process that remembers the token may have made their row in a database since restored.
    sign_in(session, principal, now=now)
    ad = Ad(
        owner_id=principal.user_id,
        title=fields["title"],
        description=fields["description"],
        price=fields["price"],
        is_active=fields["is_active"],
        is_sold=False,
        places_taken=0,
        created_at=now,
        updated_at=now,
    )
    session.add(ad)
    session.flush()
    (view,) = _views(session, select(Ad).where(Ad.id == ad.id))
    if before_commit is not None:
        before_commit(view)
    session.commit()
    return view


def get_ad(session: Session, ad_id: int) -> AdView:
    """Read one ad; NotFound when there is none."""
    read_only(session)
    found = _views(session, select(Ad).where(Ad.id == ad_id))
    session.commit()
    if not found:
        raise NotFound("There is no such ad.")
    return found[0]


def list_ads(
    session: Session,
    *,
    before_id: int | None,
    limit: int,
    owner: int | None = None,
    is_active: bool | None = None,
    is_sold: bool | None = None,
) -> list[AdView]:
    """List ads, newest first, below `before_id`; one more than `limit` tells of a further page."""
    query = select(Ad).order_by(Ad.id.desc()).limit(limit + 1)
    if before_id is not None:
        query = query.where(Ad.id < before_id)
    if owner is not None:
        query = query.where(Ad.owner_id == owner)
    if is_active is not None:
        query = query.where(Ad.is_active == is_active)
    if is_sold is not None:
        query = query.where(Ad.is_sold == is_sold)
    read_only(session)
    views = _views(session, query)
    session.commit()
    return views


def edit_ad(
    session: Session, principal: Principal, ad_id: int, changes: Mapping[str, Any], *, now: datetime
) -> AdView:
    """Change an ad's fields; raises NotFound or Forbidden."""
    require_own_ad(session, principal, ad_id)
    session.execute(update(Ad).where(Ad.id == ad_id).values(**changes, updated_at=now))
    session.commit()
    return get_ad(session, ad_id)


def mark_sold(session: Session, principal: Principal, ad_id: int, *, now: datetime) -> AdView:
    """Mark an ad sold; doing so twice changes nothing more."""
    return edit_ad(session, principal, ad_id, {"is_sold": True}, now=now)


def delete_ad(
    session: Session, principal: Principal, ad_id: int, *, limits: Limits, now: datetime
) -> None:
    """Delete an ad, its images and its pending uploads; the outbox deletes their objects.

    Its uploads and images are locked before its own row, as all do that end one and then give
    its place back; in another order two could wait for each other. That the ad's row goes next
    waits for tickets being issued, and lets no further one in.
    """
    require_own_ad(session, principal, ad_id)
    of_ad = (Upload.owner_kind == AD.name, Upload.owner_id == ad_id)
    pending = select(Upload.id).where(*of_ad, Upload.state == UploadState.PENDING)
    images = select(Image.id).where(Image.owner_kind == AD.name, Image.owner_id == ad_id)
    session.execute(pending.order_by(Upload.id).with_for_update())
    session.execute(images.order_by(Image.id).with_for_update())
    session.execute(delete(Ad).where(Ad.id == ad_id))
    # What was issued since the locks were taken may be confirmed until it is ended here, so images
    # go after that: none is of an ad that is not there, where nobody could delete it any more.
    discard_all(session, limits, session.scalars(pending).all(), UploadState.CANCELLED, now=now)
    keys = session.scalars(
        delete(Image)
        .where(Image.owner_kind == AD.name, Image.owner_id == ad_id)
        .returning(Image.key)
        .execution_options(synchronize_session=False)
    ).all()
    for key in keys:
        outbox.enqueue(
            session,
            object_key(limits.location, key),
            now=now,
            form_dead_at=now + limits.signature_life,
        )
    session.commit()
    audit.record(audit.Act.AD_DELETED, principal, f"{AD.name}/{ad_id}", {"images": len(keys)})


def _views(session: Session, query: Any) -> list[AdView]:
    """Load ads with their owners and images in three statements, however many they are.

    Does not commit.
    """
    ads = session.scalars(query.execution_options(populate_existing=True)).all()
    ids = [ad.id for ad in ads]
    owner_ids = {ad.owner_id for ad in ads}
    owners = {user.id: user for user in session.scalars(select(User).where(User.id.in_(owner_ids)))}
    images: dict[int, list[Image]] = {ad_id: [] for ad_id in ids}
    rows = session.scalars(
        select(Image)
        .where(Image.owner_kind == AD.name, Image.owner_id.in_(ids))
        .order_by(Image.order, Image.created_at, Image.id)
        .execution_options(populate_existing=True)
    )
    for image in rows:
        images[image.owner_id].append(image)
    return [AdView(ad=ad, owner=owners[ad.owner_id], images=images[ad.id]) for ad in ads]
