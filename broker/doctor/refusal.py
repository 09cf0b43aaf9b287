"""Findings for a refused upload and for a refused request of the broker itself."""

from broker.doctor.browser import Answer, Unreachable
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail
from broker.domain.s3_servers.server import WITHOUT_FORMS
from broker.domain.storage_errors import StorageDenied, StorageError
from broker.domain.transports import Transport

NO_ACL = frozenset({"AccessControlListNotSupported", "InvalidBucketAclWithObjectOwnership"})

# What to do if the server does not verify what clients send.
VERIFY = (
    "BROKER_INSPECTION=required, so that a worker compares each file with its digest; or use an S3"
    " server that enforces x-amz-checksum-sha256 (docs/s3-servers.md)"
)

# With the keys of the bucket's owner.
IN_BUCKET_POLICY = (
    "for forms also in the policy of the bucket: broker bucket grant api arn:aws:iam:::user/NAME"
    " (docs/operations/s3-server.md)"
)


def origin(examination: Examination) -> str | None:
    """Return the origin to send uploads from."""
    return next(iter(examination.settings.cors_origins), None)


def granted(answer: Answer) -> bool:
    """Check whether the request was granted (2xx) or refused (4xx).

    Raises:
        Unreachable: any other status. A broken server must not count as a refusal.
    """
    if answer.succeeded or 400 <= answer.status < 500:
        return answer.succeeded
    raise Unreachable(f"the answer is {answer.summary}, which neither grants nor refuses")


def unreachable(check: str, examination: Examination, error: Unreachable) -> Finding:
    """Return the finding for a request to the public URL that got no answer."""
    return fail(
        check,
        f"{examination.public_url} does not answer: {error}",
        setting=examination.public_setting,
        fix="set BROKER_S3_PUBLIC_URL to the S3 server's address for browsers",
    )


def of_upload(
    check: str, examination: Examination, answer: Answer, transport: Transport
) -> Finding:
    """Return the finding for an upload that the bucket refused."""
    problem = f"the bucket refuses the {transport.name.upper()} of a ticket: {answer.summary}"
    if answer.code in NO_ACL:
        setting, fix = "BROKER_DEFAULT_ACL", "unset BROKER_DEFAULT_ACL"
    elif answer.code == "NotImplemented":
        setting = "BROKER_S3_SERVER"
        fix = "set BROKER_S3_SERVER to the row that the check `server` names"
    elif answer.code == "SignatureDoesNotMatch":
        setting = examination.public_setting
        fix = "make sure that no proxy changes the Host, the path or the headers of a request"
    elif answer.status == 403:
        setting = "AWS_ACCESS_KEY_ID"
        fix = f"allow s3:PutObject on {examination.all_objects} to these credentials"
        server = examination.settings.server
        if transport.name not in WITHOUT_FORMS and not server.form_reads_user_policies:
            fix += f"; {IN_BUCKET_POLICY}"
    elif answer.code is None or answer.status in (404, 405):
        setting = examination.public_setting
        fix = "set BROKER_S3_PUBLIC_URL and BROKER_S3_ADDRESSING to lead to the bucket"
    else:
        setting, fix = "BROKER_S3_BUCKET", "check the S3 server's log"
    return fail(check, problem, setting=setting, fix=fix)


def of_broker(check: str, examination: Examination, error: StorageError, action: str) -> Finding:
    """Return the finding for a request of the broker itself that failed."""
    if not isinstance(error, StorageDenied):
        return fail(
            check,
            f"the bucket did not answer the broker: {error.detail}",
            setting="BROKER_S3_ENDPOINT_URL",
            fix="check the S3 server's log, and run the doctor again",
        )
    return fail(
        check,
        error.detail,
        setting="AWS_ACCESS_KEY_ID",
        fix=f"allow {action} on {examination.all_objects} to these credentials",
    )
