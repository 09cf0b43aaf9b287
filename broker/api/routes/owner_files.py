"""The published files of any owner: `/api/owners/<profile>/<owner>/files/`."""

from typing import Any

from flask import Response, jsonify

from broker.api.auth.tokens import accepts_token, caller, principal, requires_token, token_missing
from broker.api.problems.answers import answers
from broker.api.request import page_cursors as cursors
from broker.api.request.context import current
from broker.api.request.owners import OWNER_PATH, PARAMETERS, names_owner
from broker.api.request.parsing import Blueprint
from broker.api.request.view_marks import public_read
from broker.api.routes import shapes
from broker.db.published import Position
from broker.domain.principal import ANYONE
from broker.domain.profiles import Profile
from broker.services.uploads import files as service
from schemas import files
from schemas.images import ImageChanges

blueprint = Blueprint(
    "owner_files",
    __name__,
    url_prefix="/api/owners",
    description="The published files of an owner, public or private.",
)
FILES_PATH = OWNER_PATH + "files/"
FILE_PATH = FILES_PATH + "<id:file_id>/"


@blueprint.route(FILES_PATH, methods=["GET"], strict_slashes=False, parameters=PARAMETERS)
@answers("token_missing", "forbidden")
@public_read
@accepts_token
@names_owner
@blueprint.arguments(files.FilePageQuery, location="query")
@blueprint.response(200, files.FilePage)
def list_files(query: dict[str, Any], profile: Profile, owner: str) -> Response:
    """List an owner's files. Those of a private profile need a grant to `read`."""
    if profile.is_private and caller() is None:
        raise token_missing()
    limit, position = query["limit"], cursors.decode_position(query.get("cursor"))
    after = None if position is None else Position(*position)
    with current().work(caller() or ANYONE) as work:
        found = service.list_files(work, profile, owner, after=after, limit=limit)
    page, more = found.files[:limit], len(found.files) > limit
    last = page[-1] if more else None
    return jsonify(
        {
            "results": shapes.files(page, work.now, shows_names=found.shows_names),
            "next_cursor": last and cursors.encode_position(last.order, last.created_at, last.id),
        }
    )


@blueprint.route(FILE_PATH, methods=["PATCH"], strict_slashes=False, parameters=PARAMETERS)
@answers("forbidden")
@requires_token
@names_owner
@blueprint.arguments(ImageChanges)
@blueprint.response(200, files.File)
def edit_file(
    changes: dict[str, Any], profile: Profile, owner: str, file_id: int
) -> dict[str, Any]:
    """Change the alt_text or the order of a file."""
    with current().work(principal()) as work:
        row = service.edit_file(work, profile, owner, file_id, changes)
        may_read = service.may_read(work, profile, owner)
    (shown,) = shapes.files([row], work.now, shows_names=True, may_read=may_read)
    return shown


@blueprint.route(FILE_PATH, methods=["DELETE"], strict_slashes=False, parameters=PARAMETERS)
@answers("forbidden")
@requires_token
@names_owner
@blueprint.response(204)
def delete_file(profile: Profile, owner: str, file_id: int) -> None:
    """Delete a file."""
    with current().work(principal()) as work:
        service.delete_file(work, profile, owner, file_id)
