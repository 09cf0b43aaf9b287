"""A view behind `requires_token` that records who calls it."""

from flask import Flask

from broker.api.auth.tokens import principal, requires_token
from broker.domain.principal import Principal


def record_principals(app: Flask) -> list[Principal]:
    """Add the view `/seen`; return the list of its callers."""
    principals: list[Principal] = []

    @requires_token
    def view() -> str:
        principals.append(principal())
        return ""

    app.add_url_rule("/seen", view_func=view)
    return principals


def ask(app: Flask, bearer: str) -> int:
    """Call the view `/seen` with a token; return the status."""
    answer = app.test_client().get("/seen", headers={"Authorization": f"Bearer {bearer}"})
    return answer.status_code
