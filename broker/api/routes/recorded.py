"""The answer of a confirm: 200 with the image, or 202 with the upload that is being processed."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from flask import Response, jsonify

from broker.api.routes import shapes
from broker.db.models import Upload
from broker.services.uploads.settled import Recorded
from schemas import uploads

Arguments = ParamSpec("Arguments")
POLL_SECONDS = 1


def may_be_processing(
    view: Callable[Arguments, Recorded],
) -> Callable[Arguments, dict[str, Any] | Response]:
    """Answer a view's image, or 202 with its upload if a worker has yet to inspect the object."""

    @wraps(view)
    def answering(*args: Arguments.args, **kwargs: Arguments.kwargs) -> dict[str, Any] | Response:
        recorded = view(*args, **kwargs)
        if not isinstance(recorded, Upload):
            return shapes.image(recorded)
        answer = jsonify(uploads.Upload().dump(shapes.upload(recorded, None)))
        answer.status_code = 202
        answer.headers["Retry-After"] = str(POLL_SECONDS)
        return answer

    return answering
