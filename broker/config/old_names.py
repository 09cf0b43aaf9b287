"""Names of settings in earlier versions. They are read, with a warning, until version ENDS."""

import warnings
from collections.abc import Mapping

ENDS = "0.4.0"
# The old environment variable, and the field of Settings that it sets.
OLD_NAMES = {
    "BROKER_EVENTS_SECRET": "bucket_notifications_secret",
    "BROKER_EVENTS_QUEUE_URL": "bucket_notifications_queue_url",
    "BROKER_EVENTS_ARN": "bucket_notifications_arn",
}


class RenamedSetting(UserWarning):
    """A setting is set under its old name."""


def values_of_old_names(environment: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the values that are set under an old name, as a mapping from fields of Settings.

    A new name takes precedence. Each old name in the environment causes a warning.
    """
    found = {}
    for old, field in OLD_NAMES.items():
        if old not in environment:
            continue
        new = prefix + field.upper()
        warnings.warn(f"{old} is now {new}; the old name ends with {ENDS}", RenamedSetting, 3)
        if new not in environment:
            found[field] = environment[old]
    return found
