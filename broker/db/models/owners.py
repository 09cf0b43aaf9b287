"""Owners that no table of the marketplace describes, and the profiles that have been used."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from broker.db.models.base import Base
from broker.db.types import UtcDateTime


class Owner(Base):
    """An owner that grants name. `slots_taken` counts its files and unfinished uploads.

    Uploads and images store `id`. It is the owner itself if the profile's owners are integers, and
    otherwise random.
    """

    __tablename__ = "owners"
    __table_args__ = (
        UniqueConstraint("owner_kind", "owner", name="uq_owners_owner"),
        CheckConstraint("slots_taken >= 0", name="slots_taken"),
    )

    owner_kind: Mapped[str] = mapped_column(String(32), primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    owner: Mapped[str] = mapped_column(String(64))
    slots_taken: Mapped[int] = mapped_column(server_default="0", default=0)
    # When the owner was erased last. Grants that were issued before count no more.
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether the row is only there to refuse such grants.
    is_erased: Mapped[bool] = mapped_column(server_default=false(), default=False)


class UsedProfile(Base):
    """A profile at the last start: its first upload fixes prefix and visibility."""

    __tablename__ = "profiles"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    prefix: Mapped[str] = mapped_column(String(255))
    visibility: Mapped[str] = mapped_column(String(16))
    # How slots are counted: `table`, `token` in `owners`, or `uncounted`.
    owners: Mapped[str] = mapped_column(String(16))
