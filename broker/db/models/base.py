"""The base of all models."""

from sqlalchemy import (
    MetaData,
)
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base of all models. Constraints have names, so that a later migration can drop them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
