"""The answer of a confirm: 200 with the image, or 202 with the upload that is being processed."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, jsonify

from broker.api.request.parsing import Blueprint
from broker.api.routes import shapes
from broker.db.models import Upload
from broker.domain.states import UploadState
from broker.services.uploads.settled import Recorded
from broker.services.work import utc_now
from schemas import uploads
from schemas.fields import the

Arguments = ParamSpec("Arguments")
View = Callable[Arguments, Recorded]
AnsweringView = Callable[Arguments, dict[str, Any] | Response]
POLL_SECONDS = 1


def may_be_processing(
    blueprint: Blueprint,
) -> Callable[[View[Arguments]], AnsweringView[Arguments]]:
    """Answer with the image that a view returns, or 202 with the upload if it is in processing."""

    def decorate(view: View[Arguments]) -> AnsweringView[Arguments]:
        @wraps(view)
        def answering(
            *args: Arguments.args, **kwargs: Arguments.kwargs
        ) -> dict[str, Any] | Response:
            recorded = view(*args, **kwargs)
            if not isinstance(recorded, Upload):
                return shapes.image(recorded)
            answer = jsonify(shapes.upload(recorded, None, utc_now()))
            answer.status_code = 202
            answer.headers.update(retry_after([recorded]))
            return answer

        documented: AnsweringView[Arguments] = blueprint.alt_response(
            202, schema=the(uploads.Upload)
        )(answering)
        return documented

    return decorate


def retry_after(rows: Iterable[Upload]) -> dict[str, str]:
    """Return the header that says when to read the uploads again, if one is being processed."""
    waiting = any(row.state == UploadState.PROCESSING for row in rows)
    return {"Retry-After": str(POLL_SECONDS)} if waiting else {}
