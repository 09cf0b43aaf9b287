"""The parts that commands outside the API use: the settings, the database, the bucket."""

from collections.abc import Iterator
from contextlib import contextmanager

from broker.config.background import BackgroundSettings, DelivererSettings
from broker.db.session import Database
from broker.services.work import Broker
from broker.storage.factory import s3_storage


def check_environment(*, may_deliver: bool) -> BackgroundSettings:
    """Return the settings, for a process that only starts others. No credentials are needed.

    Args:
        may_deliver: whether a deliverer is started if BROKER_WEBHOOK_URL is set.

    Raises: see `broker_of_environment`.
    """
    settings = BackgroundSettings.load()
    if may_deliver and settings.webhook_url is not None:
        settings = DelivererSettings.load()
    database = Database(settings.database_url, profiles=settings.limits.profiles)
    try:
        database.check_at_start()
    finally:
        database.dispose()
    return settings


@contextmanager
def broker_of_environment(settings: BackgroundSettings | None = None) -> Iterator[Broker]:
    """Yield the parts that the environment describes. No key for tokens is needed.

    Args:
        settings: those of the environment, if they were loaded before.

    Raises:
        SettingsError: a setting is missing or invalid.
        CannotStart: a profile in use is missing or has changed.
    """
    settings = settings or BackgroundSettings.load()
    database = Database(settings.database_url, profiles=settings.limits.profiles)
    try:
        database.check_at_start()
        yield Broker(
            settings=settings,
            limits=settings.limits,
            database=database,
            storage=s3_storage(settings),
        )
    finally:
        database.dispose()
