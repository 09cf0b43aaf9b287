"""A throw-away database with one user and one ad, for what must not be kept.

It has the tables of the models, so that the services run on it as on any other.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from decimal import Decimal
from tempfile import TemporaryDirectory

from broker.db.models import Ad, Base, User
from broker.db.session import Database


@contextmanager
def scratch_database(*, user_id: int, ad_id: int, now: datetime) -> Iterator[Database]:
    """Give a database that is gone afterwards; the ad is the user's.

    In a file, since SQLite's memory is one connection's own.
    """
    with TemporaryDirectory() as directory, ExitStack() as stack:
        database = Database(f"sqlite:///{directory}/scratch.db")
        stack.callback(database.dispose)
        Base.metadata.create_all(database.engine)
        with database.session() as session:
            session.add(
                User(id=user_id, first_name="", last_name="", created_at=now, updated_at=now)
            )
            session.flush()
            session.add(
                Ad(
                    id=ad_id,
                    owner_id=user_id,
                    title="",
                    description="",
                    price=Decimal(0),
                    is_active=False,
                    is_sold=False,
                    created_at=now,
                    updated_at=now,
                )
            )
            session.commit()
        yield database
