"""All metrics of the broker; docs/operations/seeing.md has the table.

The values of each label are a closed set: route templates instead of paths, our own error codes
instead of S3's texts. The size of the outbox and the state of the bucket are read at each scrape,
in `broker.api.routes.metrics`. A new gauge needs a `multiprocess_mode`: a live mode if its value
ends with its process.
"""

from prometheus_client import Counter, Gauge, Histogram

from broker.telemetry import metric_files

metric_files.prepare()

REQUEST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STEP_BUCKETS = (0.00025, 0.0005, *REQUEST_BUCKETS)

REQUESTS = Counter("broker_http_requests", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "broker_http_request_seconds",
    "Duration of requests",
    ["route", "method"],
    buckets=REQUEST_BUCKETS,
)
STEP_SECONDS = Histogram(
    "broker_step_seconds",
    "Time that a request spent in one step, if it has that step",
    ["step"],
    buckets=STEP_BUCKETS,
)
PROBLEMS = Counter("broker_problems", "Error answers, by code", ["code"])
TOKENS_REFUSED = Counter("broker_tokens_refused", "Refused bearer tokens, by reason", ["reason"])
GRANTS_IGNORED = Counter(
    "broker_grants_ignored", "Malformed grants in valid tokens, by reason", ["reason"]
)
ISSUED = Counter("broker_tickets_issued", "Tickets issued", ["purpose", "transport"])
REFUSED = Counter("broker_tickets_refused", "Refused requests for tickets, by code", ["code"])
QUOTA_REFUSED = Counter(
    "broker_quota_refused",
    "Requests for tickets refused because the user's quota was exceeded",
    ["limit"],
)
CONFIRMS = Counter("broker_confirms", "Confirms by result", ["result"])
FAILURES = Counter("broker_upload_failures", "Upload failures that clients reported", ["action"])
S3_SECONDS = Histogram(
    "broker_s3_call_seconds",
    "Duration of the broker's own S3 calls, including retries",
    ["operation"],
    buckets=REQUEST_BUCKETS,
)
S3_ERRORS = Counter(
    "broker_s3_errors", "Failed S3 calls of the broker itself", ["operation", "kind"]
)
RATE_LIMITED = Counter(
    "broker_rate_limited", "Requests refused by a rate limit, by policy", ["policy"]
)
RATE_LIMIT_UNCHECKED = Counter(
    "broker_rate_limit_unchecked", "Requests not counted because the store was unavailable"
)
REAPER_RUNS = Counter(
    "broker_reaper_runs", "Rounds of the reaper; the result is ok or an error code", ["result"]
)
REAPER_WORK = Counter("broker_reaper_work", "Work done by the reaper, by kind", ["work"])
REAPER_SUCCESS = Gauge(
    "broker_reaper_last_success_timestamp_seconds",
    "Time of the reaper's last successful round",
    multiprocess_mode="mostrecent",
)
