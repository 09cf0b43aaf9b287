"""The boto3 session of every client and of our own signers: credentials and region."""

import os

import boto3

from broker.domain.s3_servers import OTHER, S3Server

REGION_VARIABLE = "AWS_REGION"
# CreateBucket must not name it.
DEFAULT_REGION = "us-east-1"


def aws_session() -> boto3.Session:
    """Create a session. Its credentials come from boto3's own chain.

    The region is that of AWS_REGION, then AWS_DEFAULT_REGION, then the profile. All AWS SDKs and
    the platforms of AWS set AWS_REGION, but boto3 reads only AWS_DEFAULT_REGION and the profile.
    """
    return boto3.Session(region_name=os.environ.get(REGION_VARIABLE) or None)


def session_with_key(access_key_id: str | None, secret_access_key: str | None) -> boto3.Session:
    """Create a session with the given key and the region of `aws_session`."""
    return boto3.Session(
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=os.environ.get(REGION_VARIABLE) or None,
    )


def region_of(session: boto3.Session, server: S3Server = OTHER) -> str:
    """Return the region that requests are signed for, by default that of the server's row."""
    return session.region_name or server.region
