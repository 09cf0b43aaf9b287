"""Amazon's Block Public Access, which is on in every bucket created since April 2023.

The images are public by the bucket's policy, so the two switches that refuse such a policy are
turned off. The switches that refuse ACLs stay on unless the operator uses ACLs. In a second bucket,
which has nothing public, all switches are turned on.
"""

from typing import TYPE_CHECKING, Any

from broker.config import Settings
from broker.domain.s3_servers import Feature
from broker.storage.bucket_setup.aspect import Aspect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POLICY_SWITCHES = ("BlockPublicPolicy", "RestrictPublicBuckets")
ACL_SWITCHES = ("BlockPublicAcls", "IgnorePublicAcls")


def public_access(settings: Settings) -> Aspect:
    """Allow the policy to make images public."""
    switches = POLICY_SWITCHES + (ACL_SWITCHES if settings.default_acl else ())
    return Aspect(
        title="Amazon's Block Public Access lets images be public",
        feature=Feature.PUBLIC_ACCESS_BLOCK,
        permission="BucketPublicAccessBlock",
        read=_read,
        wanted=lambda found: found and {**found, **dict.fromkeys(switches, False)},
        write=_write,
        # A bucket without a block needs no change.
        empty={},
    )


def no_public_access() -> Aspect:
    """Let no policy and no ACL make anything public."""
    switches = dict.fromkeys((*POLICY_SWITCHES, *ACL_SWITCHES), True)
    return Aspect(
        title="Amazon's Block Public Access keeps everything private",
        feature=Feature.PUBLIC_ACCESS_BLOCK,
        permission="BucketPublicAccessBlock",
        read=_read,
        wanted=lambda _: switches,
        write=_write,
        empty={},
    )


def _read(client: "S3Client", bucket: str) -> Any:
    return client.get_public_access_block(Bucket=bucket).get("PublicAccessBlockConfiguration", {})


def _write(client: "S3Client", bucket: str, wanted: Any) -> None:
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=wanted)
