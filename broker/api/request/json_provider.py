"""`jsonify` with orjson. Requests are parsed in `parsing`, which is stricter."""

from decimal import Decimal
from typing import Any

import orjson
from flask import Response
from flask.json.provider import DefaultJSONProvider


class OrjsonProvider(DefaultJSONProvider):
    """Flask's JSON provider, with orjson for responses: JSON types, UUIDs, times and money.

    Times and money get the form of `schemas.fields: Time` and `Money`, so that an answer may skip
    its schema.
    """

    sort_keys = False

    def response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the response of `jsonify`, in compact UTF-8."""
        value = self._prepare_response_obj(args, kwargs)
        written = orjson.dumps(value, default=_money, option=orjson.OPT_UTC_Z)
        # `_app` is typed as an app without WSGI.
        return self._app.response_class(written, mimetype="application/json")  # type: ignore[return-value,arg-type]


def _money(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    raise TypeError(f"{type(value).__name__} has no form in JSON")
