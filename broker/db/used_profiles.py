"""The profiles in use: their prefix and visibility are fixed by their first upload.

Objects stay where they were published. So the API and the workers start only if every profile in
use is configured with the prefix and the visibility that it had.
"""

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from broker.db.models import Image, Upload, UsedProfile
from broker.db.upsert import insert_unless_there
from broker.domain.errors import ProfilesChanged
from broker.domain.profiles import Profile, Profiles

# In a session's `info`: the names of the profiles that this process has compared.
CHECKED = "checked_profiles"
_KINDS: tuple[tuple[InstrumentedAttribute[str], InstrumentedAttribute[str]], ...] = (
    (Upload.owner_kind, Upload.key),
    (Image.owner_kind, Image.key),
)


def use(session: Session, profile: Profile) -> None:
    """Record that a profile has uploads; raise ProfilesChanged if it was used differently."""
    row = {
        "name": profile.name,
        "prefix": profile.prefix,
        "visibility": profile.visibility.value,
    }
    insert_unless_there(session, UsedProfile, [row])
    used = session.scalars(select(UsedProfile).where(UsedProfile.name == profile.name)).one()
    fault = _fault(used, profile)
    if fault is not None:
        raise _changed([fault])


def use_once(session: Session, profile: Profile) -> None:
    """Do what `use` does and commit, before this process's first ticket for the profile.

    Two processes may have started with different files while the profile had no uploads.
    """
    checked: set[str] = session.info.setdefault(CHECKED, set())
    if profile.name not in checked:
        use(session, profile)
        session.commit()
        checked.add(profile.name)


def check(session: Session, profiles: Profiles) -> None:
    """Record the built-in profiles that have uploads, and compare all with those in use.

    Raises:
        ProfilesChanged: a profile in use is missing, or has another prefix or visibility.
    """
    used = {row.name: row for row in session.scalars(select(UsedProfile))}
    faults = []
    for name, row in sorted(used.items()):
        profile = profiles.named(name)
        fault = (
            f"{name}: the profile is missing, but has uploads"
            if profile is None
            else _fault(row, profile)
        )
        if fault is not None:
            faults.append(fault)
    for profile in profiles:
        key = None if profile.name in used else _any_key(session, profile)
        if key is not None and profile.owner_in(key) is None:
            faults.append(f"{profile.name}: prefix is {profile.prefix}, but {key} was uploaded")
        elif key is not None:
            use(session, profile)
    if faults:
        session.rollback()
        raise _changed(faults)
    session.commit()


def _any_key(session: Session, profile: Profile) -> str | None:
    for kind, key in _KINDS:
        found = session.scalar(select(key).where(kind == profile.owner_kind).limit(1))
        if found is not None:
            return found
    return None


def _fault(used: UsedProfile, profile: Profile) -> str | None:
    for what in ("prefix", "visibility"):
        was, is_now = getattr(used, what), str(getattr(profile, what))
        if was != is_now:
            return f"{profile.name}: {what} is {is_now}, but its uploads have {was}"
    return None


def _changed(faults: list[str]) -> ProfilesChanged:
    return ProfilesChanged(
        "The profiles do not match the database; try again later.",
        reason="\n".join(
            ["The profiles do not match their uploads; see docs/profiles.md.", *faults]
        ),
    )
