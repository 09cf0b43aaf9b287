"""The caller that a token describes. The API verifies the token; this module does not."""

from dataclasses import dataclass
from datetime import datetime
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
    principal has no token. `issued_at` and `expires_at` are the token's `iat` and `exp`, in seconds
    since 1970; `issued_at` is None if the token does not say when it was issued.
    """

    user_id: int
    subject: str | None = None
    role: Role = Role.USER
    email: str | None = None
    first_name: str = ""
    last_name: str = ""
    grants: Grants = NO_GRANTS
    issued_at: int | None = None
    expires_at: int | None = None

    @property
    def is_service(self) -> bool:
        """Check whether the token belongs to a backend."""
        return self.role is Role.SERVICE

    def predates(self, erased_at: datetime | None) -> bool:
        """Check whether the token may be older than an erasure; `erased_at` is None without one.

        `iat` has whole seconds, so a token of the same second counts as older.
        """
        if erased_at is None:
            return False
        return self.issued_at is None or self.issued_at <= erased_at.timestamp()

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
