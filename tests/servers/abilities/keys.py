"""What the policies of `broker bucket iam` allow on each server. SeaweedFS has no policies."""

from dataclasses import replace

import boto3

from broker.domain.profiles import PRIVATE
from broker.storage.bucket_setup.iam import Role, iam_policy
from broker.storage.factory import s3_storage
from tests.servers.abilities.puts import copy_source
from tests.servers.abilities.trial import Ability, Trial, refusal
from tests.servers.fixtures import Bucket
from tests.servers.private_key import with_private_profile
from tests.servers.users import has_policies, new_user

NO_POLICIES = "–"


def as_user(role: Role, ability: Ability) -> Ability:
    """Return the same ability, tried with a key that has the policy of a role."""

    def tried(trial: Trial) -> str:
        if not has_policies(trial.bucket.server):
            return NO_POLICIES
        session = trial.sessions.get(role) or _new_session(trial.bucket, role)
        trial.sessions[role] = session
        storage = s3_storage(trial.bucket.settings, session)
        return ability(Trial(replace(trial.bucket, storage=storage), trial.numbers, session))

    return tried


def _new_session(bucket: Bucket, role: Role) -> boto3.Session:
    # As its operator prints it.
    settings = bucket.settings.model_copy(update={"s3_server": bucket.server.name})
    policy = iam_policy(with_private_profile(settings), role)
    key_id, secret = new_user(bucket.server, policy)
    return boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, region_name="us-east-1"
    )


def reading(folder: str) -> Ability:
    """Return the ability to read an object that an administrator stored."""

    def ability(trial: Trial) -> str:
        key = trial.key(folder)
        trial.admin.put_object(Bucket=trial.bucket.name, Key=key, Body=b"x")
        get = trial.client.get_object
        return refusal(lambda: get(Bucket=trial.bucket.name, Key=key)) or "200"

    return ability


KEYS: dict[str, Ability] = {
    "`api`: GET below `incoming/`": as_user("api", reading("incoming/ads/ad_1")),
    "`api`: GET of a private file": as_user("api", reading(f"{PRIVATE}/invoices/order_7")),
    "`read-private`: GET of a private file": as_user(
        "read-private", reading(f"{PRIVATE}/invoices/order_7")
    ),
    "`read-private`: GET below `incoming/`": as_user("read-private", reading("incoming/ads/ad_1")),
    "`api`: a presigned PUT with a further `x-amz-copy-source`": as_user("api", copy_source),
}
