"""Check the database before a server is started, because the server would hide the reason."""

from broker.config import Settings
from broker.db.session import Database


def check_before_start(settings: Settings) -> None:
    """Raise CannotStart if the settings do not fit the rows; see `Database.check_at_start`."""
    limits = settings.limits
    database = Database(
        settings.database_url, only_inspected=limits.inspects, profiles=limits.profiles
    )
    try:
        database.check_at_start()
    finally:
        database.dispose()
