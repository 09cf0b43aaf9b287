"""The contents of /metrics after requests. Clients cannot make it grow."""

from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families as families
from werkzeug.test import Client as Werkzeug

from broker.domain.storage_errors import StorageUnavailable
from broker.telemetry.notifications import notified
from tests.http.client import Client, send, token

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def scrape(app: Flask) -> Series:
    """Return every series of the app."""
    text = app.test_client().get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(text)
        for sample in family.samples
        if sample.name.startswith("broker_")
    }


def grown(before: Series, after: Series, name: str, **labels: str) -> float:
    key = (name, tuple(sorted(labels.items())))
    return after.get(key, 0) - before.get(key, 0)


def test_tickets_confirms_and_s3_calls_are_counted(app: Flask, alice: Client, bob: Client) -> None:
    before = scrape(app)
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()
    alice.ticket(ad, transport="put")
    assert bob.ticket(ad).status_code == 403
    assert alice.ticket(ad, size=0).status_code == 422
    assert alice.post(ticket["confirm_url"]).status_code == 409
    send(ticket)
    assert alice.post(ticket["confirm_url"]).status_code == 200
    after = scrape(app)

    def more(name: str, **labels: str) -> float:
        return grown(before, after, name, **labels)

    route = "/api/ads/{ad_id}/upload_image/"
    issued = "broker_tickets_issued_total"
    assert more(issued, purpose="ad_image", transport="post") == 1
    assert more(issued, purpose="ad_image", transport="put") == 1
    assert more("broker_tickets_refused_total", code="forbidden") == 1
    assert more("broker_tickets_refused_total", code="validation_error") == 1
    assert more("broker_tickets_refused_total", code="object_missing") == 0
    assert more("broker_problems_total", code="object_missing") == 1
    assert more("broker_confirms_total", result="ok") == 1
    assert more("broker_confirms_total", result="object_missing") == 1
    assert more("broker_http_requests_total", route=route, method="POST", status="2xx") == 2
    assert more("broker_http_requests_total", route=route, method="POST", status="4xx") == 2
    assert more("broker_http_request_seconds_count", route=route, method="POST") == 4
    assert more("broker_s3_call_seconds_count", operation="HeadObject") == 2
    assert more("broker_s3_errors_total", operation="HeadObject", kind="object_not_found") == 1
    for step, count in (("token", 7), ("s3", 2)):
        assert more("broker_step_seconds_count", step=step) == count
    assert more("broker_step_seconds_count", step="database") >= 7
    assert more("broker_step_seconds_sum", step="database") > 0


def test_a_scrape_counts_notifications_and_reads_undelivered_events(app: Flask) -> None:
    before = scrape(app)
    notified("confirmed", 2)
    notified("unreadable")
    after = scrape(app)
    name = "broker_bucket_notifications_total"
    assert grown(before, after, name, outcome="confirmed") == 2
    assert grown(before, after, name, outcome="unreadable") == 1
    gauges = ("undelivered", "undelivered_oldest_seconds", "dead", "stopped")
    assert [after[(f"broker_events_{name}", ())] for name in gauges] == [0, 0, 0, 0]


def test_failed_s3_calls_are_counted_by_operation_and_kind(
    make_app: Callable[..., Flask],
) -> None:
    app = make_app(s3_endpoint_url="http://127.0.0.1:9")
    scrape(app)  # it checks the bucket, and no scrape does so again within seconds
    before = scrape(app)
    with pytest.raises(StorageUnavailable):
        app.extensions["broker"].storage.check()
    after = scrape(app)
    labels = {"operation": "HeadBucket", "kind": "storage_unavailable"}
    assert grown(before, after, "broker_s3_errors_total", **labels) == 1
    assert grown(before, after, "broker_s3_call_seconds_count", operation="HeadBucket") == 1


def test_unknown_paths_methods_and_codes_create_no_new_series(app: Flask, alice: Client) -> None:
    ad = alice.ad()
    ticket = alice.ticket(ad).get_json()

    def strange(number: int) -> None:
        client = Werkzeug(app)
        for method in ("GET", f"BREW{number}", "PATCH", "OPTIONS", "TRACE"):
            for path in (f"/x{number}", f"/api/ads/{number}9/", f"/api/uppy/{number}.x/s3/params"):
                client.open("/", environ_overrides={"REQUEST_METHOD": method, "PATH_INFO": path})
        alice.post(f"/api/uploads/{ticket['id']}/failures/", {"code": f"Code{number}"})
        alice.ticket(ad, content_type=f"image/x{number}", transport=f"t{number}")
        Client(app, token(number + 5)).ticket(ad)

    for number in range(1, 8):  # the advice becomes give_up after five failures
        strange(number)
    scrape(app)  # its own request is counted from now on
    before = set(scrape(app))
    for number in range(8, 18):
        strange(number)
    assert set(scrape(app)) == before


def test_the_number_of_series_is_limited_by_routes_methods_and_status_classes(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        path = rule.rule if "<" not in rule.rule else "/api/ads/1/"
        for method in ("GET", "POST", "DELETE"):
            app.test_client().open(path, method=method).close()
    counted = [key for key in scrape(app) if key[0] == "broker_http_requests_total"]
    routes = {dict(labels)["route"] for _, labels in counted}
    assert all("<" not in route for route in routes)
    assert len(routes) <= len(list(app.url_map.iter_rules())) + 1
    assert {dict(labels)["status"] for _, labels in counted} <= {"2xx", "3xx", "4xx", "5xx"}
