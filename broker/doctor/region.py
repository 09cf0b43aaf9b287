"""Check that requests are signed for the bucket's region."""

import os
from collections.abc import Iterator

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn
from broker.storage.aws_session import REGION_VARIABLE

CHECK = "region"
BOTO3_VARIABLE = "AWS_DEFAULT_REGION"
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
    """Compare our region with the bucket's, from a header or from its error document."""
    setting = _setting()
    answer, ours = examination.signed_answer, examination.probe.region
    theirs = answer.headers.get("x-amz-bucket-region") or answer.element("Region")
    if answer.code in WRONG or answer.status == 301 or (theirs and theirs != ours):
        named = f"it is in {theirs}" if theirs else f"it answers {answer.summary}"
        yield fail(
            CHECK,
            f"requests are signed for {ours}, which the bucket refuses: {named}",
            setting=setting,
            fix=f"{setting}={theirs}" if theirs else f"set {setting} to the bucket's region",
        )
    elif not examination.probe.region_is_set and examination.settings.s3_endpoint_url is None:
        yield warn(
            CHECK,
            f"no region is set, so {ours} is used",
            setting=setting,
            fix=f"{setting}={theirs or ours}",
        )
    else:
        yield ok(CHECK, f"{ours}, " + ("as the bucket says" if theirs else "no objection"))


def _setting() -> str:
    """Return the variable to correct. AWS_REGION comes first if both are set."""
    only_boto3 = os.environ.get(BOTO3_VARIABLE) and not os.environ.get(REGION_VARIABLE)
    return BOTO3_VARIABLE if only_boto3 else REGION_VARIABLE
