"""The rows of servers that operators run themselves."""

from broker.domain.s3_servers.server import (
    Digests,
    Expiry,
    Feature,
    PublicReading,
    S3Server,
)

MINIO = S3Server(
    name="minio",
    title="MinIO",
    sources=("https://github.com/minio/minio",),
    measured="master of 2026-02-12",
    # It has settings of the whole server instead of CORS rules, and always aborts after 24 hours.
    lacks=frozenset({Feature.PUBLIC_ACCESS_BLOCK, Feature.CORS, Feature.ABORT_PARTS}),
    digest_errors=frozenset({"XAmzContentChecksumMismatch"}),
    server_headers=("MinIO",),
)

SEAWEEDFS = S3Server(
    name="seaweedfs",
    title="SeaweedFS",
    sources=("https://github.com/seaweedfs/seaweedfs",),
    measured="4.48",
    # Its filer has a webhook instead of notifications.
    lacks=frozenset({Feature.PUBLIC_ACCESS_BLOCK, Feature.NOTIFICATIONS}),
    server_headers=("SeaweedFS",),
)

VERSITYGW = S3Server(
    name="versitygw",
    title="Versity S3 Gateway",
    sources=("https://github.com/versity/versitygw",),
    measured="1.7.0",
    lacks=frozenset(
        {
            Feature.PUBLIC_ACCESS_BLOCK,
            Feature.EXPIRATION,
            Feature.ABORT_PARTS,
            Feature.NOTIFICATIONS,
        }
    ),
    server_headers=("VERSITYGW",),
)

# Ceph reads x-amz-copy-if-match instead of x-amz-copy-source-if-match, so a condition of S3's has
# no effect (rgw_rest_s3.cc: RGWCopyObj_ObjStore_S3::get_params).
CEPH = S3Server(
    name="ceph",
    title="Ceph Object Gateway",
    sources=(
        "https://docs.ceph.com/en/latest/radosgw/s3/",
        "https://github.com/ceph/ceph/blob/v16.2.15/src/rgw/rgw_rest_s3.cc",
    ),
    measured="16.2.15",
    form_keeps_headers=False,
    form_reads_user_policies=False,
    policies_see_presigned=False,
    digests=Digests.IGNORED,
    checks_copies=False,
    # It refuses an expired URL without a message, so any AccessDenied may mean this.
    expiry=Expiry(codes=frozenset({"AccessDenied"}), texts=("",)),
    digest_errors=frozenset(),
)

# A form needs a field for each condition of its policy (post_object.rs). A bucket is public as a
# website, which is the whole bucket.
GARAGE = S3Server(
    name="garage",
    title="Garage",
    sources=(
        "https://garagehq.deuxfleurs.fr/documentation/reference-manual/s3-compatibility/",
        "https://garagehq.deuxfleurs.fr/documentation/cookbook/exposing-websites/",
        "https://github.com/deuxfleurs-org/garage/blob/v1.2.0/src/api/s3/post_object.rs",
    ),
    form_names_bucket=True,
    writes_once=False,
    public_reading=PublicReading.BUCKET,
    lacks=frozenset({Feature.PUBLIC_ACCESS_BLOCK, Feature.POLICY, Feature.NOTIFICATIONS}),
    expiry=Expiry(
        codes=frozenset({"InvalidRequest"}),
        texts=("expiration date is in the past", "date is too old"),
    ),
    digest_errors=frozenset({"InvalidDigest"}),
    region="garage",
)

# Digests are checked since 2.36; older releases ignore them. Readers are named by a container ACL,
# which is for the whole container.
SWIFT = S3Server(
    name="swift",
    title="OpenStack Swift (s3api)",
    sources=(
        "https://docs.openstack.org/swift/latest/s3_compat.html",
        "https://github.com/openstack/swift/blob/2.38.1/swift/common/middleware/s3api/s3request.py",
    ),
    takes_forms=False,
    default_transport="put",
    digests=Digests.ENFORCED,
    public_reading=PublicReading.BUCKET,
    lacks=frozenset(Feature),
    headers=("x-openstack-request-id", "x-trans-id"),
)
