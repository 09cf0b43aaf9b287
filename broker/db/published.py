"""Read published images with their variants, in the order of their owner."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select, tuple_
from sqlalchemy.orm import Session

from broker.db.fast_path import id_list, is_one_of, is_sqlite, read_rows
from broker.db.models import Image, ImageVariant


class VariantRow(NamedTuple):
    """A variant of an image, as lists need it. See `db/models/images.py: ImageVariant`."""

    width: int
    height: int
    content_type: str
    key: str


class ImageRow(NamedTuple):
    """An image, as lists need it. See `db/models/images.py: Image`."""

    id: int
    owner_id: int
    key: str
    file_name: str | None
    content_type: str
    size: int
    checksum_sha256: str | None
    alt_text: str
    order: int
    width: int | None
    height: int | None
    thumbhash: str | None
    created_at: datetime
    variants: list[VariantRow]


class Position(NamedTuple):
    """The place of a file in the order of its owner's files."""

    order: int
    created_at: datetime
    id: int


_IMAGE = [getattr(Image, name) for name in ImageRow._fields[:-1]]
_VARIANT = [getattr(ImageVariant, name) for name in VariantRow._fields]


def images_of(
    session: Session, owner_kind: str, owner_ids: Sequence[int]
) -> dict[int, list[ImageRow]]:
    """Return the images of several owners, by owner. An owner without images is left out."""
    on_sqlite = is_sqlite(session)
    values = {"kind": owner_kind, "owners": id_list(owner_ids, on_sqlite=on_sqlite)}
    found: dict[int, list[ImageRow]] = {}
    for image in _images(read_rows(session, _of_owners(on_sqlite=on_sqlite), values)):
        found.setdefault(image.owner_id, []).append(image)
    return found


def page_of_images(
    session: Session, owner_kind: str, owner_id: int, *, after: Position | None, limit: int
) -> list[ImageRow]:
    """Return at most `limit` images of an owner, those after a position."""
    values: dict[str, Any] = {"kind": owner_kind, "owner": owner_id, "limit": limit}
    if after is not None:
        values |= {f"after_{name}": value for name, value in after._asdict().items()}
    return _images(read_rows(session, _page(is_first=after is None), values))


def _images(rows: Sequence[Sequence[Any]]) -> list[ImageRow]:
    """Return the images in rows that repeat an image for each of its variants."""
    found: list[ImageRow] = []
    last_id, width = None, len(_IMAGE)
    for row in rows:
        if row[0] != last_id:
            last_id, variants = row[0], list[VariantRow]()
            found.append(ImageRow._make((*row[:width], variants)))
        if row[width] is not None:
            variants.append(VariantRow(*row[width:]))
    return found


@cache
def _of_owners(*, on_sqlite: bool) -> Select[Any]:
    owners = is_one_of(Image.owner_id, "owners", on_sqlite=on_sqlite)
    return (
        select(*_IMAGE, *_VARIANT)
        .outerjoin(Image.variants)
        .where(Image.owner_kind == bindparam("kind"), owners)
        .order_by(Image.owner_id, Image.order, Image.created_at, Image.id, ImageVariant.width)
    )


@cache
def _page(*, is_first: bool) -> Select[Any]:
    place = tuple_(Image.order, Image.created_at, Image.id)
    page = (
        select(*_IMAGE)
        .where(Image.owner_kind == bindparam("kind"), Image.owner_id == bindparam("owner"))
        .order_by(*place)
        .limit(bindparam("limit"))
    )
    if not is_first:
        after = [
            bindparam(f"after_{name}", type_=getattr(Image, name).type) for name in Position._fields
        ]
        page = page.where(place > tuple_(*after))
    found = page.subquery()
    return (
        select(found, *_VARIANT)
        .outerjoin(ImageVariant, ImageVariant.image_id == found.c.id)
        .order_by(found.c.order, found.c.created_at, found.c.id, ImageVariant.width)
    )
