"""The page of an owner's uploads that have no image. The routes of ads and owners share this."""

from typing import Any
from uuid import UUID

from broker.api.auth.tokens import principal
from broker.api.request import page_cursors as cursors
from broker.api.request.context import current
from broker.api.routes import shapes
from broker.api.routes.recorded import retry_after
from broker.domain.profiles import Profile
from broker.services.uploads.find import without_image


def unfinished(
    profile: Profile, owner: str, query: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a page of pending, processing and rejected uploads, and its headers."""
    limit, before = query["limit"], cursors.decode(query.get("cursor"), largest=cursors.UUID_MAX)
    before_id = None if before is None else UUID(int=before)
    with current().work(principal()) as work:
        rows = without_image(work, profile, owner, before_id=before_id, limit=limit)
    page, more = rows[:limit], len(rows) > limit
    found = {
        "results": [shapes.upload(row, None, work.now) for row in page],
        "next_cursor": cursors.encode(page[-1].id.int) if more else None,
    }
    return found, retry_after(page)
