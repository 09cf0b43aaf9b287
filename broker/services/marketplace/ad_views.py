"""Read ads with their owners and images: the only reader, also for the answers of changes."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, false, select, true
from sqlalchemy.orm import Session

from broker.db.fast_path import read_rows
from broker.db.models import Ad, User
from broker.db.published import ImageRow, images_of
from broker.domain.profiles import AD

_ID_MAX = 2**63 - 1


class AdRow(NamedTuple):
    """An ad, as its JSON needs it. See `db/models/accounts.py: Ad`."""

    id: int
    owner_id: int
    title: str
    description: str
    price: Decimal
    is_active: bool
    is_sold: bool
    created_at: datetime
    updated_at: datetime


class Seller(NamedTuple):
    """The user who owns an ad. See `db/models/accounts.py: User`."""

    id: int
    subject: str | None
    email: str | None
    first_name: str
    last_name: str


class AdView(NamedTuple):
    """An ad with its owner and its images, main image first."""

    ad: AdRow
    owner: Seller
    images: Sequence[ImageRow]


_AD = [getattr(Ad, name) for name in AdRow._fields]
_SELLER = [getattr(User, name) for name in Seller._fields]


def ad_view(session: Session, ad_id: int) -> AdView | None:
    """Return one ad; None if there is none."""
    found = _views(session, read_rows(session, _by_id(), {"ad": ad_id}))
    return found[0] if found else None


def ad_views(
    session: Session,
    *,
    before_id: int | None,
    limit: int,
    owner: int | None,
    is_active: bool | None,
    is_sold: bool | None,
) -> list[AdView]:
    """Return at most `limit` ads with ids below `before_id`, newest first."""
    statement = _newest(of_one_owner=owner is not None, is_active=is_active, is_sold=is_sold)
    values = {"before": _ID_MAX if before_id is None else before_id, "limit": limit}
    if owner is not None:
        values["owner"] = owner
    return _views(session, read_rows(session, statement, values))


def _views(session: Session, rows: Sequence[Sequence[Any]]) -> list[AdView]:
    if not rows:
        return []
    width = len(_AD)
    images = images_of(session, AD, [row[0] for row in rows])
    return [
        AdView(AdRow(*row[:width]), Seller(*row[width:]), images.get(row[0], [])) for row in rows
    ]


@cache
def _by_id() -> Select[Any]:
    return _ads().where(Ad.id == bindparam("ad"))


@cache
def _newest(*, of_one_owner: bool, is_active: bool | None, is_sold: bool | None) -> Select[Any]:
    """Return the statement of a page. Its flags are literals, so that the planner knows them."""
    query = _ads().where(Ad.id < bindparam("before")).order_by(Ad.id.desc())
    if of_one_owner:
        query = query.where(Ad.owner_id == bindparam("owner"))
    for column, wanted in ((Ad.is_active, is_active), (Ad.is_sold, is_sold)):
        if wanted is not None:
            query = query.where(column == (true() if wanted else false()))
    return query.limit(bindparam("limit"))


def _ads() -> Select[Any]:
    return select(*_AD, *_SELLER).join(User, User.id == Ad.owner_id)
