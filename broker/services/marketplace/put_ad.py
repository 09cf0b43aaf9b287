"""Create or replace an ad whose id the marketplace has chosen."""

from collections.abc import Mapping
from typing import Any

from broker.db.ad_counter import raise_to
from broker.db.models import Ad
from broker.db.upsert import insert_new, insert_or_update
from broker.domain.errors import AdOwnedByAnother, CallerErased, Forbidden, NotFound, UserErased
from broker.domain.principal import Principal
from broker.domain.subjects import own_id
from broker.services.marketplace.ad_views import AdView
from broker.services.marketplace.ads import existing_view, record_ad
from broker.services.marketplace.sign_in import ensure_user
from broker.services.work import Work
from broker.telemetry import audit

# JavaScript reads larger integers inexactly. Above it are enough ids for ads that users create.
AD_ID_MAX = 2**53 - 1


def put_ad(work: Work, ad_id: int, fields: Mapping[str, Any]) -> tuple[AdView, bool]:
    """Create the ad with this id, or replace its text, price and state; services only.

    No later `create_ad` gets this id. It may be the id of a deleted ad: the marketplace restores an
    ad in this way, and the photos of the deleted one stay deleted, because each has a key of its
    own.

    Args:
        work: its caller must be a service.
        ad_id: the marketplace's id.
        fields: title, description, price, is_active, is_sold, and `owner`, the subject of the
            user's tokens. A user without a row gets one.

    Returns:
        The ad, and whether it was created.

    Raises:
        Forbidden: the caller is no service.
        NotFound: no ad can have this id.
        AdOwnedByAnother: the ad belongs to another user; nothing was changed.
        UserErased: the user was erased after the caller's token was issued; nothing was changed.
    """
    if not work.principal.is_service:
        raise Forbidden("Only a service may put an ad at an id.")
    if ad_id > AD_ID_MAX:
        raise NotFound(f"The id of an ad is at most {AD_ID_MAX}.")
    session, now, subject = work.session, work.now, fields["owner"]
    raise_to(session, ad_id)
    # New ads wait for the counter, but not for what follows.
    session.commit()
    user = Principal(
        user_id=own_id(subject) or 0, subject=subject, issued_at=work.principal.issued_at
    )
    try:
        owner_id = ensure_user(session, user, now=now, locks=True)
    except CallerErased:
        raise UserErased(
            "The user was erased after this token was issued. Nothing was changed."
        ) from None
    written = {name: value for name, value in fields.items() if name != "owner"}
    changes = {**written, "updated_at": now}
    row = {"id": ad_id, "owner_id": owner_id, "slots_taken": 0, "created_at": now, **changes}
    created = bool(insert_new(session, Ad, [row], Ad.id))
    if not created and not insert_or_update(
        session, Ad, row, key=Ad.id, changes=changes, where=Ad.owner_id == owner_id
    ):
        raise AdOwnedByAnother("This ad belongs to another user. Nothing was changed.")
    view = existing_view(session, ad_id)
    session.commit()
    record_ad(audit.Act.AD_PUT, work, ad_id, owner_id, created=created)
    return view, created
