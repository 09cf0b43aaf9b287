"""Users with their quotas, and the ads that they own."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from broker.db.models.base import Base
from broker.db.types import BigId, Cents, Subject, UtcDateTime


class User(Base):
    """A user of the marketplace. `domain/subjects.py` says how `id` follows from the subject."""

    __tablename__ = "users"
    __table_args__ = (
        Index(
            None,
            "subject",
            unique=True,
            sqlite_where=text("subject IS NOT NULL"),
            postgresql_where=text("subject IS NOT NULL"),
        ),
        # The few users that were erased.
        Index(
            "ix_users_erased_at",
            "erased_at",
            sqlite_where=text("erased_at IS NOT NULL"),
            postgresql_where=text("erased_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    # The subject of the user's tokens; NULL if it is the id in decimal.
    subject: Mapped[str | None] = mapped_column(Subject)
    email: Mapped[str | None] = mapped_column(String(254))
    first_name: Mapped[str] = mapped_column(String(150))
    last_name: Mapped[str] = mapped_column(String(150))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # When the user was erased last. Tokens that were issued before are refused.
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether the row is only there to refuse such tokens.
    is_erased: Mapped[bool] = mapped_column(server_default=false(), default=False)


def _listed(name: str, **flags: bool) -> Index:
    """Return the index of a list of ads that is filtered by flags: the newest of them at once.

    A common index of flag and id would be used for the ads of one owner, too, where it is slow:
    SQLite without statistics prefers it to that of the owner.
    """
    sqlite = [f"{flag} = {int(value)}" for flag, value in flags.items()]
    postgresql = [f"{flag} = {str(value).lower()}" for flag, value in flags.items()]
    return Index(
        name,
        "id",
        sqlite_where=text(" AND ".join(sqlite)),
        postgresql_where=text(" AND ".join(postgresql)),
    )


class Ad(Base):
    """An advertisement. `slots_taken` counts its images and pending uploads."""

    __tablename__ = "ads"
    __table_args__ = (
        Index(None, "owner_id"),
        _listed("ix_ads_active", is_active=True),
        _listed("ix_ads_inactive", is_active=False),
        _listed("ix_ads_sold", is_sold=True),
        _listed("ix_ads_unsold", is_sold=False),
        _listed("ix_ads_active_sold", is_active=True, is_sold=True),
        _listed("ix_ads_active_unsold", is_active=True, is_sold=False),
        _listed("ix_ads_inactive_sold", is_active=False, is_sold=True),
        _listed("ix_ads_inactive_unsold", is_active=False, is_sold=False),
        CheckConstraint("places_taken >= 0", name="places_taken"),
        # The id of a deleted ad must never be used again, because it is part of object keys.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(Cents)
    is_active: Mapped[bool]
    is_sold: Mapped[bool]
    # The column keeps its old name, which the previous release still uses.
    slots_taken: Mapped[int] = mapped_column("places_taken", server_default="0", default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class UserQuota(Base):
    """The bytes and files that a user has reserved since `window_start`."""

    __tablename__ = "user_quotas"
    __table_args__ = (
        CheckConstraint("bytes_taken >= 0", name="bytes_taken"),
        CheckConstraint("files_taken >= 0", name="files_taken"),
    )

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id"), primary_key=True, autoincrement=False
    )
    window_start: Mapped[datetime] = mapped_column(UtcDateTime)
    bytes_taken: Mapped[int] = mapped_column(BigInteger)
    files_taken: Mapped[int] = mapped_column(BigInteger)
