"""The profiles in use. What their uploads fix cannot be changed: prefix and visibility.

Objects stay where they were published. So every process starts only if each profile with uploads is
configured with the prefix and the visibility that it had. An owner by token has a row before its
first upload, and this row fixes them already. Each start records the profiles. If the slots of a
profile are now counted in another way, the start counts them again.
"""

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from broker.db.models import Image, Owner, Upload, UsedProfile
from broker.db.moved_owners import count_again, fault_of_move, move_slots
from broker.db.upsert import insert_unless_there
from broker.domain.errors import ProfilesChanged
from broker.domain.profiles import Owners, Profile, Profiles

# In a session's `info`: the names of the profiles that this process has compared.
CHECKED = "checked_profiles"
FIXED = ("prefix", "visibility")
# Owners by token that keep one file; see `db/owner_tables.py: OwnerTable.slots`.
UNCOUNTED = "uncounted"


def use(session: Session, profile: Profile) -> None:
    """Record that a profile has uploads; raise ProfilesChanged if it was used differently.

    No start changes the recorded profile before this transaction ends.
    """
    used = _locked(session, profile)
    if used is None:
        insert_unless_there(session, UsedProfile, [_row(profile)])
        used = _locked(session, profile)
    fault = f"{profile.name}: another process removes it" if used is None else _fault(used, profile)
    if fault is not None:
        raise _changed([fault])


def use_once(session: Session, profile: Profile) -> None:
    """Do what `use` does and commit, before this process's first ticket for the profile.

    Two processes may have started with different files while the profile had no uploads.
    """
    checked: set[str] = session.info[CHECKED]
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
    if not found and _differ(session, profiles):
        # Wait for the transactions that add an owner, and let no other one begin.
        session.execute(update(UsedProfile).values(name=UsedProfile.name))
        found = faults(session, profiles)
    if found:
        session.rollback()
        raise _changed(found)
    used = _used(session)
    for profile in profiles:
        row = used.pop(profile.name, None)
        if row is None:
            insert_unless_there(session, UsedProfile, [_row(profile)])
        elif _is_changed(row, profile):
            _change(session, row, profile)
    if used:
        session.execute(delete(UsedProfile).where(UsedProfile.name.in_(used)))
    session.commit()


def _used(session: Session) -> dict[str, UsedProfile]:
    rows = select(UsedProfile).order_by(UsedProfile.name)
    found = session.scalars(rows.execution_options(populate_existing=True))
    return {row.name: row for row in found}


def _differ(session: Session, profiles: Profiles) -> bool:
    used = _used(session)
    return used.keys() != {profile.name for profile in profiles} or any(
        _is_changed(used[profile.name], profile) for profile in profiles
    )


def _is_changed(row: UsedProfile, profile: Profile) -> bool:
    return any(getattr(row, name) != value for name, value in _row(profile).items())


def faults(session: Session, profiles: Profiles) -> list[str]:
    """Return a line for each profile that does not match its uploads; change nothing."""
    found: list[str] = []
    for row in _used(session).values():
        profile = profiles.named(row.name)
        if profile is None:
            if _has_uploads(session, row.name):
                found.append(f"{row.name}: the profile is missing, but has uploads")
            continue
        fault = _fault(row, profile)
        if fault is not None and not _has_uploads(session, profile.owner_kind):
            fault = None
        if fault is None and row.owners != _counting(profile):
            fault = fault_of_move(session, profile)
        if fault is not None:
            found.append(fault)
    return found


def _change(session: Session, row: UsedProfile, profile: Profile) -> None:
    """Write what the profile says now. One of several processes counts the slots."""
    former, counting = row.owners, _counting(profile)
    changed = session.execute(
        update(UsedProfile)
        .where(UsedProfile.name == profile.name, UsedProfile.owners == former)
        .values(**_row(profile))
        .returning(UsedProfile.name)
        .execution_options(synchronize_session=False)
    ).first()
    if changed is None or former == counting:
        return
    if Owners.TABLE in (former, counting):
        move_slots(session, profile)
    else:
        count_again(session, profile)


def _locked(session: Session, profile: Profile) -> UsedProfile | None:
    named = select(UsedProfile).where(UsedProfile.name == profile.name)
    return session.scalar(
        named.with_for_update(read=True).execution_options(populate_existing=True)
    )


def _row(profile: Profile) -> dict[str, str]:
    return {
        "name": profile.name,
        "prefix": profile.prefix,
        "visibility": profile.visibility.value,
        "owners": _counting(profile),
    }


def _counting(profile: Profile) -> str:
    """Return how the slots are counted: in which table, or not at all."""
    is_counted = not profile.is_by_token or not profile.keeps_one
    return profile.owners.value if is_counted else UNCOUNTED


def _has_uploads(session: Session, owner_kind: str) -> bool:
    """Check whether a profile has uploads, files, or owners by token, who may get a ticket."""
    uploads = exists().where(Upload.owner_kind == owner_kind)
    images = exists().where(Image.owner_kind == owner_kind)
    owners = exists().where(Owner.owner_kind == owner_kind)
    return bool(session.scalar(select(uploads | images | owners)))


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
