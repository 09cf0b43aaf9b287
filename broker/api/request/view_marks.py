"""Marks that a route sets on its view, for code that runs before or after every view.

A mark is an attribute, like the one that `answers` sets. functools.wraps copies it to the function
that a decorator returns, so the order of marks and other decorators does not matter.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from broker.api.request.context import current_app, current_request

Mark = Literal["issues_tickets", "is_probe", "is_public_read", "allows_large_body"]
View = TypeVar("View", bound=Callable[..., Any])


def issues_tickets(view: View) -> View:
    """Mark a view that issues tickets: it has its own rate limit and count of refusals."""
    return _marked(view, "issues_tickets")


def probe(view: View) -> View:
    """Mark a probe or a scrape: it is not rate-limited, and any Host may be used for it."""
    return _marked(view, "is_probe")


def public_read(view: View) -> View:
    """Mark a view that answers everyone without a token alike: caches may store that answer."""
    return _marked(view, "is_public_read")


def allows_large_body(view: View) -> View:
    """Mark a view that accepts batches: its body may have up to BATCH_BODY_MAX bytes."""
    return _marked(view, "allows_large_body")


def view_has(mark: Mark) -> bool:
    """Check whether the view of this request has a mark."""
    view = current_app().view_functions.get(current_request().endpoint or "")
    return getattr(view, mark, False)


def _marked(view: View, mark: Mark) -> View:
    setattr(view, mark, True)
    return view
