"""Sessions of the database, and the translation of errors that mean that it is down."""

import threading
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from broker.db.engine import make_engine
from broker.db.fast_path.driver_cursors import CursorPool
from broker.db.fast_path.transactions import CURSORS, WRITER
from broker.db.former_uploads import refuse_former_uploads
from broker.db.reasons import is_denied, is_missing_table, reason
from broker.db.schema_version import require_migrated
from broker.db.timing import watch
from broker.db.used_profiles import CHECKED
from broker.db.used_profiles import check as check_profiles
from broker.domain.errors import CannotStart, DatabaseNotMigrated, DatabaseUnavailable
from broker.domain.profiles import Profiles

# The layers above import the type Session from here, not from SQLAlchemy.
__all__ = ["DATABASE_ERRORS", "Database", "ErrorTranslator", "Session"]

# A loop over many items stops at these errors, because the next item would fail in the same way.
# IntegrityError and DataError are missing here: they are about the values of one item.
DATABASE_ERRORS = (
    DatabaseUnavailable,
    InterfaceError,
    InternalError,
    OperationalError,
    PoolTimeout,
    ProgrammingError,
)


class ErrorTranslator:
    """A context that raises the driver's errors as DatabaseUnavailable if the database is down."""

    def __enter__(self) -> Any:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
            raise DatabaseUnavailable(
                "The database cannot be reached; try again.", reason=reason(error)
            ) from error
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise DatabaseUnavailable(
                "The connection to the database was lost; try again.", reason=reason(error)
            ) from error
        if isinstance(error, DBAPIError) and is_denied(error):
            raise DatabaseUnavailable(
                "The database denied access; try again later.", reason=reason(error)
            ) from error


class _SessionBlock(ErrorTranslator):
    """The context of one session. Its end rolls back what was not committed."""

    def __init__(self, database: "Database", session: Session) -> None:
        self._database = database
        self._session = session

    def __enter__(self) -> Session:
        return self._session

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        # An unused session holds nothing. This is the case for nearly every ticket.
        if self._session.in_transaction() or len(self._session.identity_map):
            with ErrorTranslator():
                self._session.close()
        if isinstance(error, DBAPIError) and is_missing_table(error):
            # An older backup may have been restored since this process began.
            try:
                self._database.check()
            except DatabaseNotMigrated as behind:
                raise behind from error
        super().__exit__(kind, error, trace)


class Database:
    """A pool of connections to one database; create one per process, after a fork.

    With `only_inspected`, the database must have no pending upload of release 0.2. `profiles` must
    match those that have uploads.
    """

    def __init__(
        self,
        url: str,
        *,
        statement_timeout: int = 0,
        only_inspected: bool = False,
        profiles: Profiles | None = None,
    ) -> None:
        self.engine = make_engine(url, statement_timeout)
        watch(self.engine)
        self._cursors = CursorPool(self.engine)
        self._is_migrated = False
        self._may_have_former = only_inspected
        self._unchecked_profiles = profiles
        self._sessions = sessionmaker(
            self.engine,
            expire_on_commit=False,
            info={WRITER: threading.Lock(), CURSORS: self._cursors, CHECKED: set()},
        )

    def session(self) -> AbstractContextManager[Session]:
        """Return a context that yields a session and rolls back what was not committed.

        Raises:
            DatabaseUnavailable: the server is down, the connection broke, or no connection (or
                SQLite's write lock) became free in time.
        """
        return _SessionBlock(self, self._sessions())

    def check(self) -> None:
        """Do one round trip.

        Raises:
            DatabaseUnavailable: see `session`.
            DatabaseNotMigrated: this release needs a newer migration.
            FormerUploadsPending: only inspected images may be published, but clients can still
                write to public keys.
            ProfilesChanged: a profile in use is missing or has changed.
        """
        with self.session() as session:
            require_migrated(session)
            if self._may_have_former:
                refuse_former_uploads(session)
                self._may_have_former = False
            if self._unchecked_profiles is not None:
                check_profiles(session, self._unchecked_profiles)
                self._unchecked_profiles = None

    def check_at_start(self) -> None:
        """Raise CannotStart; leave other errors to the first request.

        No connection stays open, because the process may fork.
        """
        try:
            self.check()
        except CannotStart:
            raise
        except DatabaseUnavailable:
            return
        finally:
            self.engine.dispose()

    def require_migrated(self) -> None:
        """Check the migration unless this process has seen that it is new enough.

        Raises: see `check`.
        """
        if not self._is_migrated:
            self.check()
            self._is_migrated = True

    def dispose(self) -> None:
        """Close all pooled connections."""
        self._cursors.dispose()
        self.engine.dispose()
