"""The broker's ads in plain Flask: SQLAlchemy's ORM with selectinload, marshmallow and jsonify."""

import base64
import os
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from flask import Flask, abort, jsonify
from marshmallow import Schema, fields
from sqlalchemy import ForeignKey, Select, create_engine, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    sessionmaker,
)

MEDIA_URL = os.environ["MEDIA_URL"]
PAGE = 20


class Base(DeclarativeBase):
    """The tables. Each has an id."""

    id: Mapped[int] = mapped_column(primary_key=True)


class User(Base):
    """A seller."""

    __tablename__ = "users"
    first_name: Mapped[str]
    last_name: Mapped[str]

    @property
    def name(self) -> str:
        """The full name."""
        return f"{self.first_name} {self.last_name}".strip()


class Ad(Base):
    """An ad."""

    __tablename__ = "ads"
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str]
    description: Mapped[str]
    cents: Mapped[int] = mapped_column("price")
    is_active: Mapped[bool]
    is_sold: Mapped[bool]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    owner: Mapped[User] = relationship()
    images: Mapped[list["Image"]] = relationship(
        primaryjoin="and_(Image.owner_id == Ad.id, Image.owner_kind == 'ad')",
        order_by="Image.order, Image.created_at, Image.id",
    )

    @property
    def price(self) -> Decimal:
        """The price in whole units."""
        return Decimal(self.cents).scaleb(-2)


class Image(Base):
    """An image of an ad."""

    __tablename__ = "images"
    owner_kind: Mapped[str]
    owner_id: Mapped[int] = mapped_column(ForeignKey("ads.id"))
    key: Mapped[str]
    alt_text: Mapped[str]
    order: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    thumbhash: Mapped[str | None]
    created_at: Mapped[datetime]
    variants: Mapped[list["Variant"]] = relationship(order_by="Variant.width")


class Variant(Base):
    """A smaller version of an image."""

    __tablename__ = "image_variants"
    image_id: Mapped[int] = mapped_column(ForeignKey("images.id"))
    key: Mapped[str]
    content_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]


class Time(fields.AwareDateTime):
    """A time in UTC with `Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        return value.isoformat().replace("+00:00", "Z")  # type: ignore[no-any-return]


class VariantSchema(Schema):
    """A variant as JSON."""

    width = fields.Integer()
    height = fields.Integer()
    content_type = fields.String()
    url = fields.Function(lambda variant: url_of(variant.key))


class ImageSchema(Schema):
    """An image as JSON."""

    id = fields.Integer()
    image = fields.String(attribute="key")
    image_url = fields.Function(lambda image: url_of(image.key))
    alt_text = fields.String()
    order = fields.Integer()
    width = fields.Integer()
    height = fields.Integer()
    thumbhash = fields.String()
    variants = fields.List(fields.Nested(VariantSchema))
    created_at = Time()


class OwnerSchema(Schema):
    """What everybody may see of a seller."""

    id = fields.Integer()
    subject = fields.Constant(None)
    email = fields.Constant(None)
    name = fields.String()


class AdSchema(Schema):
    """An ad as JSON."""

    id = fields.Integer()
    title = fields.String()
    description = fields.String()
    price = fields.Decimal(places=2, as_string=True)
    is_active = fields.Boolean()
    is_sold = fields.Boolean()
    owner = fields.Integer(attribute="owner_id")
    owner_info = fields.Nested(OwnerSchema, attribute="owner")
    main_image_url = fields.Function(lambda ad: url_of(ad.images[0].key) if ad.images else None)
    images = fields.List(fields.Nested(ImageSchema))
    created_at = Time()
    updated_at = Time()


app = Flask(__name__)
url = os.environ["DATABASE_URL"]
Session = sessionmaker(create_engine(url, connect_args={"options": "-c timezone=UTC"}))
one_ad, many_ads = AdSchema(), AdSchema(many=True)


def url_of(key: str) -> str:
    """Return the public URL of an object."""
    return f"{MEDIA_URL}/{quote(key)}"


def ads() -> Select[tuple[Ad]]:
    """Return the query that loads ads with all that their JSON needs."""
    return select(Ad).options(
        joinedload(Ad.owner), selectinload(Ad.images).selectinload(Image.variants)
    )


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Answer health checks."""
    return {"status": "ok"}


@app.get("/api/ads/<int:ad_id>/")
def get_ad(ad_id: int) -> Any:
    """Read an ad."""
    with Session() as session:
        ad = session.scalar(ads().where(Ad.id == ad_id))
        return jsonify(one_ad.dump(ad)) if ad else abort(404)


@app.get("/api/ads/")
def list_ads() -> Any:
    """List the newest ads."""
    with Session() as session:
        found = session.scalars(ads().order_by(Ad.id.desc()).limit(PAGE + 1)).all()
        page = found[:PAGE]
        more = len(found) > PAGE
        return jsonify(results=many_ads.dump(page), next_cursor=cursor(page[-1]) if more else None)


def cursor(last: Ad) -> str:
    """Return the cursor of the next page."""
    return base64.urlsafe_b64encode(str(last.id).encode()).decode().rstrip("=")
