"""Places: how many images an ad may have, counted with its pending uploads.

One conditional UPDATE takes a place as it inserts the upload (`db/new_uploads.py`), so that the
database's row lock decides who gets the last one. A place is given back by whoever won the
compare-and-set that ended the upload, in the same transaction, hence exactly once.
"""

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.db.models import Ad
from broker.domain.owners import AD


def add(session: Session, ad_id: int, count: int) -> bool:
    """Count images that are there already, over the limit too; False when the ad is gone."""
    added = session.execute(
        update(Ad)
        .where(Ad.id == ad_id)
        .values(places_taken=Ad.places_taken + count)
        .returning(Ad.id)
    )
    return added.first() is not None


def give_back(session: Session, owner_kind: str, owner_id: int, count: int = 1) -> None:
    """Give places back; nothing to do for an owner that is gone."""
    if owner_kind == AD.name:
        session.execute(
            update(Ad).where(Ad.id == owner_id).values(places_taken=Ad.places_taken - count)
        )
