"""The OpenAPI reader at /docs and the error page in Chromium, without any other origin."""

from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, Route

from broker.api.problems.table import PROBLEMS
from tests.e2e.live import served
from tests.http.documented import document
from tests.servers import installed_or_skip
from tests.servers.chromium import chromium

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with installed_or_skip(), chromium() as running:
        yield running


@pytest.fixture
def broker_url(app: Flask) -> Iterator[str]:
    with served(app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def faults() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, broker_url: str, faults: list[str]) -> Iterator[Page]:
    """Open a page that can reach only the broker. Its errors are collected and fail the test."""
    opened = browser.new_page()
    opened.set_default_timeout(30_000)

    def keep_in(route: Route) -> None:
        if route.request.url.startswith((f"{broker_url}/", "data:")):
            route.continue_()
        else:
            faults.append(f"asked for {route.request.url}")
            route.abort()

    opened.route("**/*", keep_in)
    opened.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    opened.on(
        "response",
        lambda answer: (
            faults.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        ),
    )
    yield opened
    opened.close()


def test_the_reader_shows_every_operation_without_another_origin(
    page: Page, broker_url: str, faults: list[str]
) -> None:
    page.goto(f"{broker_url}/docs/")
    page.wait_for_selector(".opblock")
    operations = [
        operation
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    shown = page.locator(".opblock-summary-description").all_inner_texts()
    assert sorted(shown) == sorted(operation["summary"] for operation in operations)
    page.click("#operations-ad_images-upload_image .opblock-summary-control")
    page.wait_for_selector("#operations-ad_images-upload_image .responses-table")
    text = page.inner_text("#operations-ad_images-upload_image")
    assert "image_limit_reached" in text
    assert "checksum_sha256" in text
    page.wait_for_load_state("networkidle")
    assert faults == []


def test_a_reader_whose_script_is_lost_on_the_way_says_so_and_can_be_loaded_again(
    page: Page, broker_url: str
) -> None:
    script = "**/swagger-ui-bundle.js"
    page.route(script, lambda route: route.abort())
    page.goto(f"{broker_url}/docs/")
    notice = page.get_by_text("The page is still loading.")
    assert notice.is_visible()
    page.unroute(script)
    page.get_by_role("link", name="load it again").click()
    page.wait_for_selector(".opblock")
    assert notice.count() == 0


def test_a_problem_s_type_leads_to_its_explanation(
    page: Page, broker_url: str, faults: list[str]
) -> None:
    page.goto(f"{broker_url}/docs/errors#object_missing")
    assert page.locator("section").count() == len(PROBLEMS)
    assert "upload it, then confirm again" in page.inner_text("section:target")
    assert faults == []


def test_the_reader_can_send_a_request_under_its_content_security_policy(
    page: Page, broker_url: str, faults: list[str]
) -> None:
    page.goto(f"{broker_url}/docs")
    operation = "#operations-profiles-get_profiles"
    page.click(f"{operation} .opblock-summary-control")
    page.click(f"{operation} .try-out__btn")
    page.click(f"{operation} .execute")
    page.wait_for_selector(f"{operation} .live-responses-table .highlight-code")
    assert "max_bytes" in page.inner_text(f"{operation} .live-responses-table")
    assert faults == []
