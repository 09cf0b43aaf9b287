"""Check that the services can delete the image, and that nothing is left after the run."""

from collections.abc import Iterator

from broker.doctor import refusal
from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok
from broker.domain.storage_errors import StorageError

CHECK = "removal"
SHOWN = 3


def check(examination: Examination) -> Iterator[Finding]:
    """Delete everything, and list the remaining objects."""
    trial = examination.trial
    trial.delete_image()
    refused = trial.remove_all()
    try:
        left = trial.remains()
    except StorageError as error:
        yield refusal.of_broker(CHECK, examination, error, "s3:ListBucket")
        return
    if left:
        some = ", ".join(left[:SHOWN]) + (" and more" if len(left) > SHOWN else "")
        why = "".join(f"{error.detail} " for error in refused[:1])
        yield fail(
            CHECK,
            f"{why}The doctor's objects stay in the bucket: {some}",
            setting="AWS_ACCESS_KEY_ID",
            fix=f"allow s3:DeleteObject on {examination.all_objects} to these credentials,"
            " and delete the objects listed here",
        )
    else:
        yield ok(CHECK, "the run left nothing in the bucket")
