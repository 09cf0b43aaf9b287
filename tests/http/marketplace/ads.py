"""Put ads at the marketplace's ids, as a service does."""

from typing import Any

from werkzeug.test import TestResponse

from tests.http.client import Client


def whole(owner: str | int, **changes: Any) -> dict[str, Any]:
    """Return the body of a PUT of an ad."""
    return {"owner": owner, "title": "A bicycle", "price": "850.00", **changes}


def put(service: Client, ad: int | str, owner: str | int = 1, **changes: Any) -> TestResponse:
    """Put an ad of a user at an id."""
    return service.call("PUT", f"/api/ads/{ad}/", json=whole(owner, **changes))
