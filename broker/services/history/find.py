"""Find what happened to an upload, to an owner, or to everything that a user has uploaded."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from broker.db import quotas
from broker.db.models import Erasure, Image, Upload, User
from broker.db.owner_tables import table_of
from broker.domain.errors import NotFound
from broker.domain.profiles import USER, Profile
from broker.domain.subjects import own_id, subject_of
from broker.services.history.fact import History, stamp
from broker.services.history.of_deletions import add_deletions
from broker.services.history.of_erasures import add_erasures
from broker.services.history.of_events import add_events, owners_of
from broker.services.history.of_uploads import add_adopted, add_uploads
from broker.services.uploads.owners import existing, id_of
from broker.services.work import Work


def find_history(work: Work, target: str, *, limit: int, names: bool = False) -> History:
    """Return what happened, in order.

    Args:
        work: reads.
        target: `upload/ID`, `user/ID`, or a profile or a kind of owner with an owner, such as
            `ad/7` or `product_image/42`.
        limit: at most this many uploads, the newest.
        names: whether the names of files are shown.

    Raises:
        NotFound: there is nothing of this name; the text says why.
    """
    word, _, name = target.partition("/")
    found = _FINDERS.get(word, _of_owner)(work, target, limit, names)
    work.session.commit()
    found.facts.sort(key=lambda fact: fact.time)
    return found


def _of_upload(work: Work, target: str, _limit: int, names: bool) -> History:
    upload = None
    try:
        upload = work.session.get(Upload, UUID(target.partition("/")[2]))
    except ValueError:
        raise NotFound(f"{target!r} is not the id of an upload.") from None
    if upload is None:
        days = work.limits.uploads_kept_for.days
        raise NotFound(
            f"There is no {target}: either no ticket had this id, or the upload ended without an"
            f" image more than {days} days ago and was deleted."
        )
    label = work.limits.profiles.label(upload.owner_kind, upload.key)
    history = History(
        title=f"upload {upload.id} of {label}, user {upload.user_id}",
        search=f'"upload_id":"{upload.id}"',
    )
    add_uploads(work, history, [upload], names=names)
    add_events(work, history, [(upload.owner_kind, upload.owner_id)], [upload.id])
    add_deletions(work, history, [upload.key], is_whole=False)
    return history


def _of_user(work: Work, target: str, limit: int, names: bool) -> History:
    name = target.partition("/")[2]
    if subject_of(name) is None:
        raise NotFound(f"{name!r} is not the subject of a user.")
    is_named = User.id == own_id(name) if own_id(name) is not None else User.subject == name
    user = work.session.scalar(select(User).where(is_named))
    if user is None:
        raise NotFound(f"There is no {target}: this user has never signed in.")
    history = History(title=f"user {user.id}", search=f'"for_user":{user.id}')
    uploads = _newest(work, limit, Upload.user_id == user.id)
    add_uploads(work, history, uploads, names=names)
    owners = owners_of([(one.owner_kind, one.owner_id) for one in uploads])
    own = [(USER, user.id)]  # the avatar's owner, which also has the event of an erasure
    add_events(work, history, owners, [one.id for one in uploads], whole=own)
    add_deletions(work, history, [one.key for one in uploads], is_whole=False)
    add_erasures(work, history, Erasure.user_id == user.id)
    _add_user(work, history, user)
    return history


def _of_owner(work: Work, target: str, limit: int, names: bool) -> History:
    word, _, owner = target.partition("/")
    profile = next(
        (one for one in work.limits.profiles if word in (one.name, one.owner_kind)), None
    )
    if profile is None:
        raise NotFound(f"{word!r} is no profile; name upload/ID, user/ID or PROFILE/OWNER.")
    if not profile.is_owner(owner):
        raise NotFound(f"{owner!r} is no owner of the profile {profile.name}.")
    owner_id = id_of(work.session, profile, owner)
    is_there = owner_id is not None and bool(existing(work.session, profile, [owner_id]))
    of_owner = (Upload.owner_kind == profile.owner_kind, Upload.owner_id == owner_id)
    uploads = _newest(work, limit, *of_owner)
    images = work.session.scalars(
        select(Image).where(Image.owner_kind == profile.owner_kind, Image.owner_id == owner_id)
    ).all()
    history = History(
        title=f"{profile.owner_kind}/{owner}",
        search=f'"owner":"{profile.owner_kind}/{owner}"',
    )
    add_uploads(work, history, uploads, names=names)
    add_adopted(history, [image for image in images if image.upload_id is None])
    if owner_id is not None:
        add_events(work, history, [(profile.owner_kind, owner_id)], None)
        of_erasures = (Erasure.owner_kind == profile.owner_kind, Erasure.owner_id == owner_id)
        add_erasures(work, history, *of_erasures)
    if not (is_there or history.facts):
        raise NotFound(f"There is no {target}, and nothing was uploaded for it.")
    add_deletions(work, history, [f"{profile.prefix}{owner}/"], is_whole=True)
    if is_there and owner_id is not None:
        _add_slots(work, history, profile, owner_id)
    else:
        history.now.append((history.title, "no longer exists"))
    return history


_FINDERS: dict[str, Callable[[Work, str, int, bool], History]] = {
    "upload": _of_upload,
    "user": _of_user,
}


def _newest(work: Work, limit: int, *conditions: object) -> Sequence[Upload]:
    """Return the newest uploads, the oldest of them first. Their ids are in the order of time."""
    found = work.session.scalars(
        select(Upload).where(*conditions).order_by(Upload.id.desc()).limit(limit)  # type: ignore[arg-type]
    ).all()
    return found[::-1]


def _add_slots(work: Work, history: History, profile: Profile, owner_id: int) -> None:
    """Add how many slots are taken: without a free one, no ticket is issued."""
    table = table_of(profile)
    if table.slots is None:
        return
    taken = work.session.scalar(select(table.slots).where(table.has_id(owner_id)))
    limit = profile.max_count or "any number of"
    text = f"{taken} of {limit} slots are taken by files and unfinished uploads"
    history.now.append((history.title, text))


def _add_user(work: Work, history: History, user: User) -> None:
    """Add whether the user was erased, and the quota: above it, no ticket is issued."""
    limits = work.limits
    if user.is_erased and user.erased_at is not None:
        text = f"was erased at {stamp(user.erased_at)}; only tokens that are newer are accepted"
        history.now.append((history.title, text))
    since = work.now - timedelta(seconds=limits.quota_window)
    taken = quotas.taken(work.session, user.id, since=since)
    if limits.has_quota and taken is not None:
        text = (
            f"quota since {stamp(taken.window_start)}: {taken.files_taken:,} of"
            f" {limits.quota_files or 'any number of'} files, {taken.bytes_taken:,} of"
            f" {limits.quota_bytes or 'any number of'} bytes"
        )
        history.now.append((history.title, text))
