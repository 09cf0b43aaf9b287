"""Each service of the compose file has only the keys and secrets that it needs."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.config import Settings
from broker.config.child_environment import DELIVERER, REAPER, WORKER, child_environment
from broker.storage.bucket_setup.iam import Role, iam_policy
from tests.servers.private_key import with_private_profile

ROOT = Path(__file__).parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_only_what_sets_the_bucket_up_has_the_root_user_of_the_bucket() -> None:
    services = {name: str(service) for name, service in COMPOSE["services"].items()}
    with_root = {name for name, service in services.items() if "MINIO_ROOT_PASSWORD" in service}
    assert with_root == {"minio", "minio-user", "bucket"}


@pytest.mark.parametrize(
    ("config", "role"),
    [
        ("minio-policy", "api"),
        ("minio-policy-reap", "worker"),
        ("minio-policy-inspect", "inspect"),
        ("minio-policy-private", "read-private"),
    ],
)
def test_a_user_of_minio_may_do_what_its_process_needs(config: str, role: Role) -> None:
    environment = COMPOSE["services"]["api"]["environment"]
    settings = Settings.model_construct(s3_bucket=environment["BROKER_S3_BUCKET"])
    policy = json.loads(COMPOSE["configs"][config]["content"])
    assert policy == iam_policy(with_private_profile(settings), role)


def test_report_28_the_policies_of_minios_users_are_for_the_configured_bucket() -> None:
    services = COMPOSE["services"]
    variable = services["api"]["environment"]["BROKER_S3_BUCKET"]
    assert variable == "${BROKER_S3_BUCKET:-media-bucket}"
    text = (ROOT / "docker-compose.yml").read_text()
    assert text.count("media-bucket") == text.count(variable)
    files = {config["source"]: config["target"] for config in services["minio-user"]["configs"]}
    (script,) = services["minio-user"]["command"]
    assert '"/$$1.json"' in script
    for service, config, names in [
        ("api", "minio-policy", "AWS"),
        ("api", "minio-policy-private", "BROKER_PRIVATE"),
        ("background", "minio-policy-reap", "BROKER_REAPER_AWS"),
        ("background", "minio-policy-inspect", "BROKER_WORKER_AWS"),
    ]:
        user = services[service]["environment"][f"{names}_ACCESS_KEY_ID"]
        password = services[service]["environment"][f"{names}_SECRET_ACCESS_KEY"]
        assert files[config] == f"/{user}.json"
        assert f'user {user} "$${password[2:].partition(":")[0]}"' in script


def test_each_process_has_its_own_key_of_the_bucket() -> None:
    api = COMPOSE["services"]["api"]["environment"]
    background = COMPOSE["services"]["background"]["environment"]
    found = [api, child_environment(background, WORKER), child_environment(background, REAPER)]
    assert len({one["AWS_ACCESS_KEY_ID"] for one in found}) == len(found)
    assert len({one["AWS_SECRET_ACCESS_KEY"] for one in found}) == len(found)
    assert "MINIO_INSPECT_PASSWORD" not in str(api)
    assert "MINIO_BROKER_PASSWORD" not in str(background)
    deliverer = child_environment(background, DELIVERER)
    assert "MINIO_" not in str(deliverer)
    assert deliverer["BROKER_WEBHOOK_SECRET"] == "${BROKER_WEBHOOK_SECRET:-}"


def test_only_the_deliverer_has_the_secret_of_webhooks() -> None:
    services = COMPOSE["services"].items()
    with_secret = {name for name, service in services if "WEBHOOK_SECRET" in str(service)}
    assert with_secret == {"background"}
    background = COMPOSE["services"]["background"]["environment"]
    for secrets in (WORKER, REAPER):
        assert "WEBHOOK_SECRET" not in str(child_environment(background, secrets))


def test_only_the_api_has_the_key_that_reads_private_files() -> None:
    services = COMPOSE["services"].items()
    with_key = {name for name, service in services if "MINIO_PRIVATE_PASSWORD" in str(service)}
    assert with_key == {"api", "minio-user"}


def test_only_the_api_has_the_secret_for_tokens() -> None:
    services = COMPOSE["services"].items()
    assert {name for name, service in services if "JWT_SECRET" in str(service)} == {"api"}
