"""Grants: which actions a token allows for which owners (RFC 9396, `authorization_details`).

`read_grants` reads the claim of a token whose signature has been verified. It accepts any JSON.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from broker.domain.profiles import OWNER_NAME, PROFILE_NAME

CLAIM = "authorization_details"
TYPE = "upload"
ENTRIES_MAX = 100


class Action(StrEnum):
    """What a grant allows.

    `create` covers tickets, renewal, parts, confirmation, cancellation and Uppy; `update` the
    alt_text and order of a file; `delete` its removal; `read` the files of a private profile.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    READ = "read"


_ACTIONS = frozenset(action.value for action in Action)
_FIELDS = frozenset(("type", "profile", "owner", "actions"))


class Flaw(StrEnum):
    """Why a grant, or the whole claim, is void. The first two concern the whole claim."""

    NOT_A_LIST = "not_a_list"
    TOO_MANY_ENTRIES = "too_many_entries"
    NOT_AN_OBJECT = "not_an_object"
    TYPE_INVALID = "type_invalid"
    FIELD_UNKNOWN = "field_unknown"
    PROFILE_INVALID = "profile_invalid"
    OWNER_INVALID = "owner_invalid"
    ACTIONS_INVALID = "actions_invalid"
    ACTION_UNKNOWN = "action_unknown"


@dataclass(frozen=True)
class Fault:
    """A flaw, and the index of its entry in the claim. None: the whole claim is void."""

    flaw: Flaw
    index: int | None = None


@dataclass(frozen=True)
class Grants:
    """The grants of one token: the actions for each profile and owner."""

    actions: Mapping[tuple[str, str], frozenset[Action]] = field(default_factory=dict)

    def allow(self, profile: str, owner: str, action: Action) -> bool:
        """Check whether an action is granted. Owners are compared byte by byte."""
        return action in self.actions.get((profile, owner), ())


NO_GRANTS = Grants()


def grant(profile: str, owner: str, *actions: Action) -> Grants:
    """Return the grant of some actions for one owner."""
    return Grants({(profile, owner): frozenset(actions)})


def read_grants(claim: object) -> tuple[Grants, Sequence[Fault]]:
    """Return the grants in the claim `authorization_details`, and what is wrong with others.

    A malformed entry is void, the others count. Several entries for one owner add up. Entries of
    another type belong to other services. The time is bounded by ENTRIES_MAX.

    Args:
        claim: the value of the claim, of any type; None if the token has none.
    """
    if claim is None:
        return NO_GRANTS, ()
    if not isinstance(claim, list):
        return NO_GRANTS, (Fault(Flaw.NOT_A_LIST),)
    if len(claim) > ENTRIES_MAX:
        return NO_GRANTS, (Fault(Flaw.TOO_MANY_ENTRIES),)
    granted: dict[tuple[str, str], frozenset[Action]] = {}
    faults: list[Fault] = []
    for index, entry in enumerate(claim):
        flaw = _flaw_of(entry)
        if flaw is not None:
            faults.append(Fault(flaw, index))
        elif entry["type"] == TYPE:
            owner = (entry["profile"], entry["owner"])
            actions = frozenset(map(Action, entry["actions"]))
            granted[owner] = granted.get(owner, frozenset()) | actions
    return Grants(granted), faults


def _flaw_of(entry: Any) -> Flaw | None:
    """Return the first flaw of an entry; None if it is a grant or of another type."""
    if not isinstance(entry, dict):
        return Flaw.NOT_AN_OBJECT
    if not isinstance(entry.get("type"), str):
        return Flaw.TYPE_INVALID
    if entry["type"] != TYPE:
        return None
    if not entry.keys() <= _FIELDS:
        return Flaw.FIELD_UNKNOWN  # RFC 9396, section 5: such a field may restrict the grant
    profile, owner, actions = (entry.get(name) for name in ("profile", "owner", "actions"))
    if not isinstance(profile, str) or not PROFILE_NAME.fullmatch(profile):
        return Flaw.PROFILE_INVALID
    if not isinstance(owner, str) or not OWNER_NAME.fullmatch(owner):
        return Flaw.OWNER_INVALID
    if not isinstance(actions, list) or not 1 <= len(actions) <= len(_ACTIONS):
        return Flaw.ACTIONS_INVALID
    if not all(isinstance(action, str) for action in actions):
        return Flaw.ACTIONS_INVALID
    return None if _ACTIONS.issuperset(actions) else Flaw.ACTION_UNKNOWN
