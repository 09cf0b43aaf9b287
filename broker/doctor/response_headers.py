"""Check whether an anonymous reader can change the headers of a photo's response.

With `?response-content-type=text/html`, a photo that is also valid HTML becomes a web page.
SeaweedFS and MinIO obey such queries without a signature. Amazon S3, versitygw and Ceph do not.
"""

from collections.abc import Iterator

from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, ok, skip, warn

CHECK = "response-headers"
QUERY = "response-content-type=text/html"


def check(examination: Examination) -> Iterator[Finding]:
    """Request a published image as a web page, at the media's and at the bucket's address."""
    trial, settings = examination.trial, examination.settings
    if not examination.published:
        yield skip(CHECK, "no image has been published yet")
        return
    bucket = f"{examination.public_urls.media.rstrip('/')}/{settings.media_location}"
    answers = {}
    for base in dict.fromkeys((trial.storage.media_url, bucket)):
        try:
            url = f"{base}/{examination.published[0].key}?{QUERY}"
            answers[base] = examination.browser.send("GET", url, follow=True)
        except Unreachable:
            continue  # the check of public reads reports it
    obeyed = [base for base, answer in answers.items() if _is_page(answer)]
    if obeyed:
        yield warn(
            CHECK,
            f"{' and '.join(obeyed)}: ?{QUERY} turns a photo into a web page",
            setting="BROKER_MEDIA_URL" if settings.media_url else examination.public_setting,
            fix="serve media only through a proxy that drops queries (docs/operations/media.md)",
        )
    else:
        told = ", ".join(dict.fromkeys(_told(answer) for answer in answers.values()))
        yield ok(CHECK, f"?{QUERY} has no effect: {told or 'no answer'}")


def _is_page(answer: Answer) -> bool:
    # Ceph 16 sends two statuses for its refusal, 200 first, and its error as XML.
    return answer.succeeded and answer.content_type.startswith("text/html")


def _told(answer: Answer) -> str:
    return answer.content_type if answer.succeeded else answer.summary
