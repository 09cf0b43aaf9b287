"""The profiles in use. What their uploads fix cannot be changed: prefix and visibility.

Objects stay where they were published. So every process starts only if each profile with uploads is
configured with the prefix and the visibility that it had. Each start records the profiles. If the
owners of a profile are now by token, or by table again, the start moves the count of their slots.
"""

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from broker.db.models import Image, Upload, UsedProfile
from broker.db.moved_owners import fault_of_move, move_slots
from broker.db.upsert import insert_unless_there
from broker.domain.errors import ProfilesChanged
from broker.domain.profiles import Profile, Profiles

# In a session's `info`: the names of the profiles that this process has compared.
CHECKED = "checked_profiles"
FIXED = ("prefix", "visibility")


def use(session: Session, profile: Profile) -> None:
    """Record that a profile has uploads; raise ProfilesChanged if it was used differently."""
    insert_unless_there(session, UsedProfile, [_row(profile)])
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
    """Compare the profiles with those in use, and record them.

    Raises:
        ProfilesChanged: a profile in use is missing, has another prefix or visibility, or its
            owners cannot be moved to the table of ads or users.
    """
    found = faults(session, profiles)
    if found:
        session.rollback()
        raise _changed(found)
    used = {row.name: row for row in session.scalars(select(UsedProfile))}
    for profile in profiles:
        row = used.pop(profile.name, None)
        if row is None:
            insert_unless_there(session, UsedProfile, [_row(profile)])
        elif any(getattr(row, name) != value for name, value in _row(profile).items()):
            _change(session, row, profile)
    if used:
        session.execute(delete(UsedProfile).where(UsedProfile.name.in_(used)))
    session.commit()


def faults(session: Session, profiles: Profiles) -> list[str]:
    """Return what of the profiles does not match their uploads; change nothing."""
    found: list[str] = []
    for row in session.scalars(select(UsedProfile).order_by(UsedProfile.name)):
        profile = profiles.named(row.name)
        if profile is None:
            if _has_uploads(session, row.name):
                found.append(f"{row.name}: the profile is missing, but has uploads")
            continue
        fault = _fault(row, profile)
        if fault is not None and not _has_uploads(session, profile.owner_kind):
            fault = None
        if fault is None and row.owners != profile.owners:
            fault = fault_of_move(session, profile)
        if fault is not None:
            found.append(fault)
    return found


def _change(session: Session, row: UsedProfile, profile: Profile) -> None:
    """Write what the profile says now. One of several processes moves the slots."""
    former = row.owners
    changed = session.execute(
        update(UsedProfile)
        .where(UsedProfile.name == profile.name, UsedProfile.owners == former)
        .values(**_row(profile))
        .returning(UsedProfile.name)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is not None and former != profile.owners:
        move_slots(session, profile)


def _row(profile: Profile) -> dict[str, str]:
    return {
        "name": profile.name,
        "prefix": profile.prefix,
        "visibility": profile.visibility.value,
        "owners": profile.owners.value,
    }


def _has_uploads(session: Session, owner_kind: str) -> bool:
    uploads = exists().where(Upload.owner_kind == owner_kind)
    images = exists().where(Image.owner_kind == owner_kind)
    return bool(session.scalar(select(uploads | images)))


def _fault(used: UsedProfile, profile: Profile) -> str | None:
    for what in FIXED:
        was, is_now = getattr(used, what), str(getattr(profile, what))
        if was != is_now:
            return f"{profile.name}: {what} is {is_now}, but its uploads have {was}"
    return None


def _changed(found: list[str]) -> ProfilesChanged:
    return ProfilesChanged(
        "The profiles do not match the database; try again later.",
        reason=f"the profiles do not match their uploads, see docs/profiles.md: {'; '.join(found)}",
    )
