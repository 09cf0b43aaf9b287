"""Check that the profiles fit the uploads of the database."""

from collections.abc import Iterator

from broker.db.probe import DatabaseFault, raise_faults
from broker.db.profiles_probe import faults_of_profiles
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok

CHECK = "profiles"
SETTING = "BROKER_PROFILES_FILE"


def check(examination: Examination) -> Iterator[Finding]:
    """Compare prefix, visibility and owners of each profile with its uploads."""
    settings = examination.settings
    profiles = settings.limits.profiles
    try:
        with raise_faults():
            faults = faults_of_profiles(settings.database_url, profiles)
    except DatabaseFault as error:
        faults = [f"the profiles in use cannot be read: {error}"]
    for fault in faults:
        yield fail(CHECK, fault, setting=SETTING, fix="correct the file of profiles")
    if not faults:
        names = ", ".join(profile.name for profile in profiles)
        yield ok(CHECK, f"{names} fit the uploads of the database")
