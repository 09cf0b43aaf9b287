"""The served files of the page, and their Content-Security-Policy."""

import pytest

from tests.http.client import Client


def test_the_page_is_served_with_its_policy_at_one_address_only(alice: Client) -> None:
    with alice.get("/") as page:
        assert page.mimetype == "text/html"
        policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    problem = alice.get("/web/index.html")
    assert (problem.status_code, problem.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["app.js", "client/broker.js", "base.css", "icon.svg"])
def test_the_assets_of_the_page_are_served(alice: Client, name: str) -> None:
    with alice.get(f"/web/{name}") as asset:
        assert asset.status_code == 200


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "client/../../app.py", "none.js"])
def test_no_other_file_is_served(alice: Client, name: str) -> None:
    problem = alice.get(f"/web/{name}")
    assert (problem.status_code, problem.get_json()["code"]) == (404, "not_found")
