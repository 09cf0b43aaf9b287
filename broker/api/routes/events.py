"""Events and all published files, for backends: `/api/events/` and `/api/files/`."""

from typing import Any

from flask import Response, jsonify

from broker.api.auth.tokens import principal, requires_token
from broker.api.problems.answers import answers
from broker.api.request import page_cursors as cursors
from broker.api.request.context import current
from broker.api.request.parsing import Blueprint
from broker.domain.errors import NotFound
from broker.services.events import feed
from broker.services.events.payload import file_json, payload
from schemas import events

blueprint = Blueprint(
    "events",
    __name__,
    url_prefix="/api",
    description="Events and all published files, for backends with the role service.",
)
LATEST = "latest"


@blueprint.route("/events/", methods=["GET"], strict_slashes=False)
@answers("forbidden", "cursor_expired")
@requires_token
@blueprint.arguments(events.EventPageQuery, location="query")
@blueprint.response(200, events.EventPage)
def list_events(query: dict[str, Any]) -> Response:
    """Read the events after a cursor, in the order of `sequence`."""
    text = query.get("after")
    with current().work(principal()) as work:
        if text == LATEST:
            return _page([], feed.latest(work))
        after = None if text is None else feed.Cursor(*cursors.decode_feed(text))
        page = feed.read_events(work, after=after, limit=query["limit"])
    profiles, media_url = current().limits.profiles, current().storage.media_url
    results = [
        payload(event, subject, profiles=profiles, media_url=media_url)
        for event, subject in page.events
    ]
    return _page(results, page.cursor)


@blueprint.route("/files/", methods=["GET"], strict_slashes=False)
@answers("forbidden", "not_found")
@requires_token
@blueprint.arguments(events.AllFilesQuery, location="query")
@blueprint.response(200, events.AllFilesPage)
def list_all_files(query: dict[str, Any]) -> dict[str, Any]:
    """Read all published files, oldest first, in the shape of the events' `data`."""
    limit, name = query["limit"], query.get("profile")
    profiles, media_url = current().limits.profiles, current().storage.media_url
    profile = None if name is None else profiles.named(name)
    after = cursors.decode(query.get("after")) or 0
    with current().work(principal()) as work:
        if name is not None and profile is None:
            feed.require_service(work)
            raise NotFound("There is no such profile.")
        found = feed.read_files(work, profile=profile, after=after, limit=limit)
    page = found[:limit]
    return {
        "results": [
            file_json(image, user_id, subject, profiles=profiles, media_url=media_url)
            for image, user_id, subject in page
        ],
        "next_cursor": cursors.encode(page[-1][0].id) if len(found) > limit else None,
    }


def _page(results: list[dict[str, Any]], cursor: feed.Cursor) -> Response:
    """Return a page without its schema, so that an event is the same text as when it is pushed."""
    encoded = cursors.encode_feed(*cursor)
    return jsonify({"results": results, "next_cursor": encoded, "sequence": cursor.sequence})
