"""The caller that a token describes. The API verifies the token; this module does not."""

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.grants import NO_GRANTS, Action, Grants


class Role(StrEnum):
    """The caller's role. A `service` is a backend: it may handle all uploads and owners."""

    USER = "user"
    SERVICE = "service"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The verified claims of one token.

    `user_id` is 0 before sign-in if the database maps the subject. `subject` is None if the
    principal has no token. `expires_at` is the end of the token, in seconds since 1970.
    """

    user_id: int
    subject: str | None = None
    role: Role = Role.USER
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    grants: Grants = NO_GRANTS
    expires_at: int | None = None

    @property
    def is_service(self) -> bool:
        """Check whether the token belongs to a backend."""
        return self.role is Role.SERVICE

    def acts_for(self, user_id: int) -> bool:
        """Check whether this principal may handle the tickets and uploads of `user_id`."""
        return self.is_service or self.user_id == user_id

    def may(self, action: Action, profile: str, owner: str) -> bool:
        """Check whether this principal has the right to an action for an owner by token."""
        return self.is_service or self.grants.allow(profile, owner, action)


# A caller without a token, who may only read what is public.
ANYONE = Principal(user_id=0)
# The broker itself, with all rights: the reaper, bucket notifications and operators' commands.
SYSTEM = Principal(user_id=0, role=Role.SERVICE)
