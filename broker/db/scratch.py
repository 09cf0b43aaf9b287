"""A temporary database with one user and one ad.

It has the tables of the models, so the services work with it like with any other database.
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
    """Yield a database that is deleted afterwards; the user owns the ad.

    The database is a file, because each connection to SQLite's memory has its own database.
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
