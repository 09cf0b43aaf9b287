"""Every metric of the broker, by name; docs/operations/seeing.md has the table.

Each label's values are a closed set: route templates, never paths; codes of ours, never S3's
text. What the outbox holds is asked of the database at each scrape, in `broker.api.routes.metrics`.
"""

import os
from pathlib import Path

from prometheus_client import Counter, Gauge, Histogram

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # prometheus_client writes its files there as soon as a metric is made.
    Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).mkdir(parents=True, exist_ok=True)

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STEP_BUCKETS = (0.00025, 0.0005, *REQUEST_BUCKETS)

REQUESTS = Counter("broker_http_requests", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "broker_http_request_seconds",
    "How long a request took",
    ["route", "method"],
    buckets=REQUEST_BUCKETS,
)
STEP_SECONDS = Histogram(
    "broker_step_seconds",
    "How long a request spent in one step, of the requests that have it",
    ["step"],
    buckets=STEP_BUCKETS,
)
PROBLEMS = Counter("broker_problems", "Errors answered, by code", ["code"])
ISSUED = Counter("broker_tickets_issued", "Tickets issued", ["purpose", "transport"])
REFUSED = Counter("broker_tickets_refused", "Requests for tickets refused, by code", ["code"])
QUOTA_REFUSED = Counter(
    "broker_quota_refused", "Requests for tickets that a user's quota had no room for", ["limit"]
)
CONFIRMS = Counter("broker_confirms", "Confirms by result", ["result"])
FAILURES = Counter("broker_upload_failures", "Failures that clients reported", ["action"])
EVENTS = Counter("broker_events", "Objects that the bucket told of, by outcome", ["outcome"])
S3_SECONDS = Histogram(
    "broker_s3_call_seconds",
    "How long the broker's own S3 calls took, retries included",
    ["operation"],
    buckets=REQUEST_BUCKETS,
)
S3_ERRORS = Counter(
    "broker_s3_errors", "The broker's own S3 calls that failed", ["operation", "kind"]
)
RATE_LIMITED = Counter(
    "broker_rate_limited", "Requests refused, by the policy that was exceeded", ["policy"]
)
RATE_LIMIT_UNCHECKED = Counter(
    "broker_rate_limit_unchecked", "Requests that went on uncounted, the store being away"
)
REAPER_RUNS = Counter(
    "broker_reaper_runs", "Rounds of the reaper: ok, or an error's code", ["result"]
)
REAPER_WORK = Counter("broker_reaper_work", "What the reaper did", ["work"])
REAPER_SUCCESS = Gauge(
    "broker_reaper_last_success_timestamp_seconds",
    "When the reaper last finished a round",
    multiprocess_mode="mostrecent",
)
