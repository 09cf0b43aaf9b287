"""Check CORS: pages of the configured origins may upload, pages of other origins may not.

The check sends the same preflights as browsers (Fetch standard, "CORS-preflight fetch"): to the
bucket for a form, and to an object for a PUT with the headers of our tickets.
"""

from collections.abc import Iterator

from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, skip, warn
from broker.domain.object_head import PresignedPut
from broker.domain.transports import PUT

CHECK = "cors"
SETTING = "BROKER_CORS_ORIGINS"
UNKNOWN_ORIGIN = "https://doctor.invalid"


def check(examination: Examination) -> Iterator[Finding]:
    """Send preflights for each origin, and for one that is not configured."""
    origins = examination.settings.cors_origins
    if not origins:
        yield skip(CHECK, f"{SETTING} names no origin, so no page may upload")
        return
    asked = _requests(examination)
    for origin in origins:
        refused = [
            method
            for method, url, names in asked
            if not _allowed(examination, origin, method, url, names)
        ]
        if refused:
            yield fail(
                CHECK,
                f"pages of {origin} may not upload by {' and '.join(refused)}",
                setting=SETTING,
                fix=_fix(examination, refused),
            )
        else:
            yield ok(CHECK, f"pages of {origin} may upload by POST and PUT")
    _method, url, names = asked[1]
    if _allowed(examination, UNKNOWN_ORIGIN, "PUT", url, names):
        yield warn(
            CHECK,
            f"pages of any origin may upload, even {UNKNOWN_ORIGIN}; they still need a ticket",
            setting=SETTING,
            fix=_fix(examination, []),
        )


def exposes_etag(answer: Answer, origin: str) -> bool:
    """Check whether a page of the origin may read the ETag of this answer."""
    exposed = answer.headers.get("Access-Control-Expose-Headers", "").lower()
    names = {name.strip() for name in exposed.split(",")}
    return _names(answer, origin) and bool(names & {"etag", "*"})


def _requests(examination: Examination) -> list[tuple[str, str, str]]:
    """Return the method, URL and header names of a form and of a PUT."""
    put = examination.trial.issue(PUT).transfer
    assert isinstance(put, PresignedPut)  # noqa: S101
    names = ",".join(sorted(name.lower() for name in put.headers))
    return [("POST", examination.public_url, ""), ("PUT", put.url.partition("?")[0], names)]


def _allowed(
    examination: Examination, origin: str, method: str, url: str, header_names: str
) -> bool:
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    if header_names:
        headers["Access-Control-Request-Headers"] = header_names
    try:
        answer = examination.browser.send("OPTIONS", url, headers=headers)
    except Unreachable:
        # SeaweedFS closes the connection if it refuses a preflight to a bucket.
        return False
    methods = answer.headers.get("Access-Control-Allow-Methods", "")
    given = {name.strip().upper() for name in methods.split(",")}
    lower = answer.headers.get("Access-Control-Allow-Headers", "").lower()
    allowed = {name.strip() for name in lower.split(",")}
    wanted = {name for name in header_names.split(",") if name}
    return (
        answer.succeeded
        and _names(answer, origin)
        and bool(given & {method, "*"})
        and (wanted <= allowed or "*" in allowed)
    )


def _names(answer: Answer, origin: str) -> bool:
    return answer.headers.get("Access-Control-Allow-Origin") in (origin, "*")


def _fix(examination: Examination, refused: list[str]) -> str:
    """Return the fix. Some servers answer preflights from their own settings, not from rules.

    MinIO always does this, and SeaweedFS does it for preflights to the bucket itself.
    """
    server = examination.endpoint_answer.headers.get("Server", "").lower()
    origins = ",".join(examination.settings.cors_origins)
    if "minio" in server:
        return f"start MinIO with MINIO_API_CORS_ALLOW_ORIGIN={origins}"
    if "seaweedfs" in server and refused == ["POST"]:
        return f"start SeaweedFS with -s3.allowedOrigins={origins}"
    return "broker bucket apply"
