"""Which parts of a bucket's configuration servers have."""

import json
from collections.abc import Callable
from typing import Any

from tests.servers.abilities.trial import Ability, Trial, refusal

CORS = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://shop.example"]}
RULE = {"ID": "one", "Status": "Enabled", "Filter": {"Prefix": "incoming/"}}


def call(act: Callable[[Any, str], Any]) -> Ability:
    """Return the ability to answer a call with a client and the bucket's name."""
    return lambda trial: refusal(lambda: act(trial.client, trial.bucket.name)) or "200"


def lifecycle(**action: Any) -> Ability:
    def ability(trial: Trial) -> str:
        put = trial.client.put_bucket_lifecycle_configuration
        rules = {"Rules": [{**RULE, **action}]}
        answer = refusal(lambda: put(Bucket=trial.bucket.name, LifecycleConfiguration=rules))
        return answer or "200"

    return ability


def _policy(client: Any, name: str) -> None:
    statement = {
        "Sid": "Trial",
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{name}/trial/*"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    client.put_bucket_policy(Bucket=name, Policy=json.dumps(document))


CONFIGURATION: dict[str, Ability] = {
    "PutBucketPolicy": call(_policy),
    "PutBucketCors": call(
        lambda client, name: client.put_bucket_cors(
            Bucket=name, CORSConfiguration={"CORSRules": [CORS]}
        )
    ),
    "lifecycle rule: Expiration of a prefix": lifecycle(Expiration={"Days": 30}),
    "lifecycle rule: AbortIncompleteMultipartUpload": lifecycle(
        AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1}
    ),
    "GetBucketNotificationConfiguration": call(
        lambda client, name: client.get_bucket_notification_configuration(Bucket=name)
    ),
    "GetPublicAccessBlock": call(lambda client, name: client.get_public_access_block(Bucket=name)),
}
