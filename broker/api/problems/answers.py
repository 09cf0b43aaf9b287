"""Which problem codes an operation can answer, said beside its route or by what decorates it."""

from collections.abc import Callable
from typing import Any, TypeVar

from broker.api.problems.table import PROBLEMS

# Whatever asks the bucket, or signs with its credentials, can answer these.
STORAGE = ("storage_unavailable", "storage_denied")
# What an upload's state means to whoever comes too late.
ENDED = ("upload_expired", "upload_cancelled", "object_mismatch")
# Without a view's doing: requests are counted, a token's first use is written down, and a fault
# may be anywhere.
ALWAYS = ("rate_limited", "database_unavailable", "internal_error")
View = TypeVar("View", bound=Callable[..., Any])


def answers(*codes: str) -> Callable[[View], View]:
    """Say that a view can answer these codes, besides those that were said before."""
    unknown = set(codes) - set(PROBLEMS)
    if unknown:
        raise LookupError(f"not in PROBLEMS: {unknown}")

    def decorate(view: View) -> View:
        # functools.wraps hands the attribute on to whatever decorates the view further.
        view.answers = answered(view) | set(codes)  # type: ignore[attr-defined]
        return view

    return decorate


def answered(view: Callable[..., Any]) -> frozenset[str]:
    """Give the codes that a view was said to answer."""
    found: frozenset[str] = getattr(view, "answers", frozenset())
    return found
