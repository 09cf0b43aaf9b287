"""Erasures of owners and users, which end when their last object is gone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from broker.db.models.base import Base
from broker.db.types import UtcDateTime


class Erasure(Base):
    """One request to erase an owner or a user. Rows of `deletions` name it until they are done."""

    __tablename__ = "erasures"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    owner_kind: Mapped[str] = mapped_column(String(32))
    # None if the owner was never stored.
    owner_id: Mapped[int | None] = mapped_column(BigInteger)
    # The user who was erased; None for other owners.
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    # How many deletions the erasure has queued or found in the queue.
    objects: Mapped[int]
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
