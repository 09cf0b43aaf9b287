"""Ads: create, read, list, edit and delete. `put_ad` has those with ids of the marketplace."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.orm import Session

from broker.db.ad_counter import before_next
from broker.db.models import Ad
from broker.domain.errors import Forbidden, NotFound
from broker.domain.grants import Action
from broker.domain.profiles import AD
from broker.services.idempotency import KeptAnswer, keep
from broker.services.marketplace.ad_views import AdView, ad_view, ad_views
from broker.services.marketplace.sign_in import ensure_user
from broker.services.uploads.owners import authorise
from broker.services.uploads.removal import all_of_owners, lock_files, remove_files
from broker.services.work import Work
from broker.telemetry import audit


def create_ad(
    work: Work, fields: Mapping[str, Any], *, answer: KeptAnswer[AdView] | None = None
) -> AdView:
    """Create an ad of the caller.

    `fields` are title, description, price and is_active. `answer` is the response to store for
    retries, in the same transaction.

    Raises:
        Forbidden: only services may create ads (`BROKER_ADS_CREATED_BY`).
        CallerErased: the caller was erased since the token was issued.
    """
    if not (work.limits.profiles.ad_image.users_create_owners or work.principal.is_service):
        raise Forbidden("Only the marketplace itself may create ads here.")
    # If the database was restored from a backup, the user of a cached token may have no row.
    owner_id = ensure_user(work.session, work.principal, now=work.now, locks=True)
    ad = Ad(
        owner_id=owner_id,
        title=fields["title"],
        description=fields["description"],
        price=fields["price"],
        is_active=fields["is_active"],
        is_sold=False,
        slots_taken=0,
        created_at=work.now,
        updated_at=work.now,
    )
    before_next(work.session)
    work.session.add(ad)
    work.session.flush()
    view = existing_view(work.session, ad.id)
    keep(work.session, answer, view)
    work.session.commit()
    return view


def get_ad(work: Work, ad_id: int) -> AdView:
    """Return one ad; raise NotFound if there is none."""
    return existing_view(work.session, ad_id)


def list_ads(
    work: Work,
    *,
    before_id: int | None,
    limit: int,
    owner: int | None = None,
    is_active: bool | None = None,
    is_sold: bool | None = None,
) -> list[AdView]:
    """Return ads with ids below `before_id`, newest first; `limit + 1` ads if a page follows."""
    return ad_views(
        work.session,
        before_id=before_id,
        limit=limit + 1,
        owner=owner,
        is_active=is_active,
        is_sold=is_sold,
    )


def edit_ad(work: Work, ad_id: int, changes: Mapping[str, Any]) -> AdView:
    """Change an ad's fields; raise NotFound or Forbidden."""
    owner_id = authorise(work, work.limits.profiles.ad_image, str(ad_id), Action.UPDATE)
    edited = work.session.scalar(
        update(Ad)
        .where(*_owned(ad_id, owner_id))
        .values(**changes, updated_at=work.now)
        .returning(Ad.id)
        .execution_options(synchronize_session=False)
    )
    work.session.commit()
    if edited is None:
        raise NotFound("There is no such ad.")
    record_ad(audit.Act.AD_EDITED, work, ad_id, owner_id)
    return get_ad(work, ad_id)


def mark_sold(work: Work, ad_id: int) -> AdView:
    """Mark an ad as sold; a second call changes nothing."""
    return edit_ad(work, ad_id, {"is_sold": True})


def delete_ad(work: Work, ad_id: int) -> None:
    """Delete an ad, its images and its unfinished uploads; the outbox deletes their objects.

    Raises:
        NotFound: there is no such ad, or it was deleted in the meantime.
        Forbidden: it belongs to another user.
    """
    session, ad_image = work.session, work.limits.profiles.ad_image
    owner_id = authorise(work, ad_image, str(ad_id), Action.DELETE)
    doomed = all_of_owners(ad_image, [ad_id])
    lock_files(session, doomed)
    delete_row(session, ad_id, owner_id)
    keys = remove_files(session, work.limits, doomed, now=work.now)
    session.commit()
    record_ad(audit.Act.AD_DELETED, work, ad_id, owner_id, images=len(keys))


def existing_view(session: Session, ad_id: int) -> AdView:
    """Return one ad, in the session's transaction if there is one; raise NotFound."""
    found = ad_view(session, ad_id)
    if found is None:
        raise NotFound("There is no such ad.")
    return found


def delete_row(session: Session, ad_id: int, owner_id: int) -> None:
    """Delete the row of a user's ad; raise NotFound if it was deleted in the meantime."""
    deleted = session.scalar(
        delete(Ad)
        .where(*_owned(ad_id, owner_id))
        .returning(Ad.id)
        .execution_options(synchronize_session=False)
    )
    if deleted is None:
        raise NotFound("There is no such ad.")


def record_ad(act: audit.Act, work: Work, ad_id: int, owner_id: int, **fields: object) -> None:
    """Write an audit line about an ad of the user `owner_id`."""
    line = {**fields, "for_user": owner_id, "owner": f"{AD}/{ad_id}"}
    audit.record(act, work.principal, line)


def _owned(ad_id: int, owner_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that match an ad while it has this owner.

    A service may delete an ad and put another one with its id in between.
    """
    return (Ad.id == ad_id, Ad.owner_id == owner_id)
