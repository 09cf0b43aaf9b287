"""What `jsonify` answers, written by orjson. Requests are read by `parsing`, which is stricter."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import DefaultJSONProvider


class OrjsonProvider(DefaultJSONProvider):
    """Flask's own, but for the bodies of answers: they hold JSON's own types by then."""

    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Answer what `jsonify` was given, in compact UTF-8."""
        written = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(written, mimetype="application/json")
