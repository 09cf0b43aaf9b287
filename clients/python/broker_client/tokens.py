"""The caller's tokens: one for each owner. A token is used until the broker refuses it."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from broker_client.errors import ClientError, TokenFailed
from broker_client.owners import Owner


class TokenForOwner(Protocol):
    """A function that returns an owner's token. Without an owner both arguments are None."""

    def __call__(self, *, profile: str | None, owner: str | None) -> str:
        """Return a token."""


class AsyncTokenForOwner(Protocol):
    """A function that returns an owner's token, or an awaitable of it."""

    def __call__(self, *, profile: str | None, owner: str | None) -> str | Awaitable[str]:
        """Return a token."""


GivenToken = str | Callable[[], str] | TokenForOwner
AsyncGivenToken = str | Callable[[], str | Awaitable[str]] | AsyncTokenForOwner


class Tokens:
    """Tokens that the broker has not refused. A function without arguments has one for all owners.

    A runner holds a lock around `call` and `keep`.
    """

    def __init__(self, token: AsyncGivenToken) -> None:
        self._token: str | Callable[..., str | Awaitable[str]] = token
        self._takes_owner = not isinstance(token, str) and _takes_owner(token)
        self._current: dict[tuple[str, str] | None, str] = {}

    def current(self, owner: Owner | None, stale: str | None) -> str | None:
        """Return the owner's token. Return None if the function must be called for another one."""
        if isinstance(self._token, str):
            return self._token
        current = self._current.get(self._key(owner))
        return None if current == stale else current

    def call(self, owner: Owner | None) -> str | Awaitable[str]:
        """Call the caller's function."""
        if isinstance(self._token, str):
            return self._token
        if not self._takes_owner:
            return self._token()
        if owner is None:
            return self._token(profile=None, owner=None)
        return self._token(profile=owner.profile, owner=owner.name)

    def keep(self, owner: Owner | None, token: str) -> str:
        """Keep the function's result, and return it.

        Raises:
            TokenFailed: it is not a text.
        """
        if not isinstance(token, str):
            raise TokenFailed(f"the token function returned {type(token).__name__}, not a text")
        self._current[self._key(owner)] = token
        return token

    def _key(self, owner: Owner | None) -> tuple[str, str] | None:
        return (owner.profile, owner.name) if owner is not None and self._takes_owner else None


@contextmanager
def calling_function() -> Iterator[None]:
    """Raise TokenFailed for an error of the caller's function, whatever its class is.

    Otherwise, for example, its OSError would look like an error of the file. KeyboardInterrupt and
    CancelledError pass, because they are not subclasses of Exception.
    """
    try:
        yield
    except ClientError:
        raise
    except Exception as error:
        raise TokenFailed(f"the token function failed: {type(error).__name__}: {error}") from error


def _takes_owner(token: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(token).parameters
    except (TypeError, ValueError):  # a built-in function without a signature
        return False
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return all(
        name in parameters and parameters[name].kind in kinds for name in ("profile", "owner")
    )
