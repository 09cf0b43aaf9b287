"""The region: are requests signed for the one that the bucket is in."""

from collections.abc import Iterator

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "region"
SETTING = "AWS_DEFAULT_REGION"
WRONG = frozenset(
    {
        "AuthorizationHeaderMalformed",
        "AuthorizationQueryParametersError",
        "IllegalLocationConstraintException",
        "InvalidRegion",
        "PermanentRedirect",
    }
)


def check(examination: Examination) -> Iterator[Finding]:
    """Read the bucket's own word for it: a header, or an element of its refusal."""
    answer, ours = examination.signed_answer, examination.probe.region
    theirs = answer.headers.get("x-amz-bucket-region") or answer.element("Region")
    if answer.code in WRONG or answer.status == 301 or (theirs and theirs != ours):
        named = f"it is in {theirs}" if theirs else f"it answers {answer.said}"
        yield fail(
            CHECK,
            f"requests are signed for {ours}, but the bucket refuses that: {named}",
            setting=SETTING,
            fix=f"{SETTING}={theirs}" if theirs else f"set {SETTING} to the bucket's region",
        )
    elif not examination.probe.region_is_set and examination.settings.s3_endpoint_url is None:
        yield warn(
            CHECK,
            f"no region is set, so {ours} is taken",
            setting=SETTING,
            fix=f"{SETTING}={theirs or ours}",
        )
    else:
        yield ok(CHECK, f"{ours}" + (", as the bucket says" if theirs else ", not objected to"))
