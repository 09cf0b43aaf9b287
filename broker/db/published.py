"""Read published images with their variants, in the order of their owner."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Select, bindparam, select, tuple_
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
    """An image, as its ad shows it. See `db/models/images.py: Image`."""

    id: int
    owner_id: int
    key: str
    alt_text: str
    order: int
    width: int | None
    height: int | None
    thumbhash: str | None
    created_at: datetime
    variants: list[VariantRow]


class FileRow(NamedTuple):
    """An image, as the list of its owner's files shows it. See `db/models/images.py: Image`."""

    id: int
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


Row = TypeVar("Row")
_IMAGE = [getattr(Image, name) for name in ImageRow._fields[:-1]]
_FILE = [getattr(Image, name) for name in FileRow._fields[:-1]]
_VARIANT = [getattr(ImageVariant, name) for name in VariantRow._fields]


def images_of(
    session: Session, owner_kind: str, owner_ids: Sequence[int]
) -> dict[int, list[ImageRow]]:
    """Return the images of several owners, by owner. An owner without images is left out."""
    if len(owner_ids) == 1:
        # A list of one id would take 20 µs more.
        statement, values = _of_one_owner(), {"kind": owner_kind, "owner": owner_ids[0]}
    else:
        on_sqlite = is_sqlite(session)
        statement = _of_owners(on_sqlite=on_sqlite)
        values = {"kind": owner_kind, "owners": id_list(owner_ids, on_sqlite=on_sqlite)}
    found: dict[int, list[ImageRow]] = {}
    for image in _with_variants(read_rows(session, statement, values), ImageRow._make):
        found.setdefault(image.owner_id, []).append(image)
    return found


def page_of_images(
    session: Session, owner_kind: str, owner_id: int, *, after: Position | None, limit: int
) -> list[FileRow]:
    """Return at most `limit` images of an owner, those after a position."""
    values: dict[str, Any] = {"kind": owner_kind, "owner": owner_id, "limit": limit}
    if after is not None:
        values |= {f"after_{name}": value for name, value in after._asdict().items()}
    return _with_variants(read_rows(session, _page(is_first=after is None), values), FileRow._make)


def _with_variants(rows: Sequence[Sequence[Any]], make: Callable[[list[Any]], Row]) -> list[Row]:
    """Return the images in rows that repeat an image for each of its variants."""
    found: list[Row] = []
    last_id, variant = None, -len(_VARIANT)
    for row in rows:
        if row[0] != last_id:
            last_id, variants = row[0], list[VariantRow]()
            found.append(make([*row[:variant], variants]))
        if row[variant] is not None:
            variants.append(VariantRow(*row[variant:]))
    return found


@cache
def _of_one_owner() -> Select[Any]:
    return _of(Image.owner_id == bindparam("owner"))


@cache
def _of_owners(*, on_sqlite: bool) -> Select[Any]:
    return _of(is_one_of(Image.owner_id, "owners", on_sqlite=on_sqlite))


def _of(owners: ColumnElement[bool]) -> Select[Any]:
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
        select(*_FILE)
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
