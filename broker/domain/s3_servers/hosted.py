"""The rows of services that are rented. None of them was run: they need an account."""

from broker.domain.s3_servers.server import (
    WITHOUT_FORMS,
    Digests,
    Feature,
    PublicReading,
    S3Server,
)

AWS = S3Server(
    name="aws",
    title="Amazon S3",
    sources=(
        "https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html",
    ),
    server_headers=("AmazonS3",),
    hosts=(".amazonaws.com", ".amazonaws.com.cn"),
)

# R2 answers 501 to forms. Its public access (r2.dev or a domain) is for a whole bucket.
R2 = S3Server(
    name="r2",
    title="Cloudflare R2",
    sources=(
        "https://developers.cloudflare.com/r2/api/s3/api/",
        "https://developers.cloudflare.com/r2/api/s3/presigned-urls/",
        "https://developers.cloudflare.com/r2/api/s3/conditional-operations/",
        "https://developers.cloudflare.com/r2/buckets/public-buckets/",
    ),
    transports=WITHOUT_FORMS,
    default_transport="put",
    public_reading=PublicReading.BUCKET,
    lacks=frozenset({Feature.PUBLIC_ACCESS_BLOCK, Feature.POLICY, Feature.NOTIFICATIONS}),
    region="auto",
    hosts=(".r2.cloudflarestorage.com",),
)

# B2 refuses x-amz-checksum-* headers with 400 InvalidArgument, and If-None-Match on a PUT with 501
# NotImplemented. A bucket is public or private as a whole.
B2 = S3Server(
    name="b2",
    title="Backblaze B2",
    sources=(
        "https://www.backblaze.com/docs/cloud-storage-s3-compatible-api",
        "https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api",
        "https://github.com/iterate-ch/cyberduck/issues/16107",
        "https://github.com/vatesfr/xen-orchestra/issues/8358",
        "https://github.com/sathinduga/obsidian-s3-sync-and-backup/issues/78",
    ),
    transports=WITHOUT_FORMS,
    default_transport="put",
    writes_once=False,
    digests=Digests.REFUSED,
    # Nothing says that it does.
    checks_copies=False,
    public_reading=PublicReading.BUCKET,
    lacks=frozenset(
        {
            Feature.PUBLIC_ACCESS_BLOCK,
            Feature.POLICY,
            Feature.EXPIRATION,
            Feature.ABORT_PARTS,
            Feature.NOTIFICATIONS,
        }
    ),
    hosts=(".backblazeb2.com",),
)
