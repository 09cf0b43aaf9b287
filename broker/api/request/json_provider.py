"""`jsonify` with orjson. Requests are parsed in `parsing`, which is stricter."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import DefaultJSONProvider


class OrjsonProvider(DefaultJSONProvider):
    """Flask's JSON provider, with orjson for responses. They must contain only JSON types."""

    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the response of `jsonify`, in compact UTF-8."""
        written = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(written, mimetype="application/json")
