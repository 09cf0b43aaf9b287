"""Whether an ad is the principal's own to edit. A service issues tickets, but edits no ads."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from broker.db.models import Ad
from broker.domain.errors import Forbidden, NotFound
from broker.domain.principal import Principal


def require_own_ad(session: Session, principal: Principal, ad_id: int) -> None:
    """Raise NotFound where there is no such ad, Forbidden where it is somebody else's."""
    owner_id = session.scalar(select(Ad.owner_id).where(Ad.id == ad_id))
    session.commit()
    if owner_id is None:
        raise NotFound("There is no such ad.")
    if owner_id != principal.user_id:
        raise Forbidden("This ad is not yours.")
