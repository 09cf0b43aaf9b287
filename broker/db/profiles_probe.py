"""What `broker doctor` and `broker db check` read from the database about profiles."""

from broker.db import used_profiles
from broker.db.session import Database
from broker.domain.profiles import Profiles


def faults_of_profiles(url: str, profiles: Profiles) -> list[str]:
    """Return a line for each profile that does not match its uploads; raise DatabaseUnavailable."""
    database = Database(url)
    try:
        with database.session() as session:
            return used_profiles.faults(session, profiles)
    finally:
        database.dispose()
