"""Record on a view which problem codes it can answer, for the OpenAPI document."""

from collections.abc import Callable
from typing import Any, TypeVar

from broker.api.problems.table import PROBLEMS

# Codes of views that send requests to the bucket or sign with its credentials.
STORAGE = ("storage_unavailable", "storage_denied")
# Codes of uploads that have ended.
ENDED = ("upload_expired", "upload_cancelled", "object_mismatch", "upload_rejected")
# Codes of every view: requests are counted, the first use of a token is stored, and any view may
# have a bug.
ALWAYS = ("rate_limited", "database_unavailable", "database_not_migrated", "internal_error")
View = TypeVar("View", bound=Callable[..., Any])


def answers(*codes: str) -> Callable[[View], View]:
    """Record that a view can answer these codes, in addition to those already recorded."""
    unknown = set(codes) - set(PROBLEMS)
    if unknown:
        raise LookupError(f"unknown problem codes: {unknown}")

    def decorate(view: View) -> View:
        # functools.wraps copies the attribute to the functions that other decorators return.
        view.answers = answered(view) | set(codes)  # type: ignore[attr-defined]
        return view

    return decorate


def answered(view: Callable[..., Any]) -> frozenset[str]:
    """Return the codes that are recorded on a view."""
    found: frozenset[str] = getattr(view, "answers", frozenset())
    return found
