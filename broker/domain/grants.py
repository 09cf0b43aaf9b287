"""Grants: which actions a token allows for which owners (RFC 9396, `authorization_details`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What a grant allows.

    `create` covers tickets, renewal, parts, confirmation, cancellation and Uppy; `update` the
    alt_text and order of a file; `delete` its removal; `read` the files of a private profile.
    """

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    READ = "read"


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
