"""Each service of a compose file has only the keys and secrets that it needs."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.config.child_environment import DELIVERER, REAPER, WORKER, child_environment

ROOT = Path(__file__).parent.parent.parent
SERVERS = {"minio": "docker-compose.yml", "versitygw": "docker-compose.versitygw.yml"}
SECRETS = {"minio": "MINIO", "versitygw": "S3"}  # how their names in .env begin
S3_SERVICES = {"minio", "minio-user", "versitygw", "versitygw-user", "bucket"}
OF_SERVER = {
    "BROKER_S3_SERVER",
    "BROKER_S3_ENDPOINT_URL",
    "BROKER_S3_PUBLIC_URL",
    "AWS_SECRET_ACCESS_KEY",
    "BROKER_PRIVATE_SECRET_ACCESS_KEY",
    "BROKER_WORKER_AWS_SECRET_ACCESS_KEY",
    "BROKER_REAPER_AWS_SECRET_ACCESS_KEY",
}

pytestmark = pytest.mark.parametrize("server", SERVERS)


def services_of(server: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / SERVERS[server]).read_text())["services"]
    return found


def script_of(service: dict[str, Any]) -> str:
    return str(service["command"][-1])


def test_only_what_sets_the_bucket_up_has_the_root_user_of_the_bucket(server: str) -> None:
    services = {name: str(service) for name, service in services_of(server).items()}
    with_root = {name for name, service in services.items() if "ROOT_PASSWORD" in service}
    assert with_root == {server, f"{server}-user", "bucket"}


def test_each_user_of_the_server_has_the_rights_of_the_process_that_has_its_key(
    server: str,
) -> None:
    services = services_of(server)
    users = script_of(services[f"{server}-user"])
    rights = users if server == "minio" else script_of(services["bucket"])
    rule = rf"^{'user' if server == 'minio' else 'broker bucket grant'} ([a-z-]+) (\S+)"
    granted = {user: role for role, user in re.findall(rule, rights, re.MULTILINE)}
    for service, role, names in [
        ("api", "api", "AWS"),
        ("api", "read-private", "BROKER_PRIVATE"),
        ("background", "worker", "BROKER_REAPER_AWS"),
        ("background", "inspect", "BROKER_WORKER_AWS"),
    ]:
        user = services[service]["environment"][f"{names}_ACCESS_KEY_ID"]
        secret = services[service]["environment"][f"{names}_SECRET_ACCESS_KEY"]
        variable = secret[2:].partition(":")[0]
        given = services[f"{server}-user"]["environment"]
        # The user of private files has in both services the variables that the API reads.
        by_variable = '"$$BROKER_PRIVATE_ACCESS_KEY_ID"'
        assert role in (granted.get(user), granted.get(by_variable))
        assert any(
            line in users
            for line in (
                f'{user} "$${variable}"',
                f'{by_variable} "$$BROKER_PRIVATE_SECRET_ACCESS_KEY"',
            )
        )
        assert secret in given.values()
    assert len(granted) == 4


def test_report_28_the_rights_of_the_users_are_for_the_configured_bucket(server: str) -> None:
    services = services_of(server)
    for name in ("api", "background", "bucket", *(["minio-user"] * (server == "minio"))):
        variable = services[name]["environment"]["BROKER_S3_BUCKET"]
        assert variable == "${BROKER_S3_BUCKET:-media-bucket}"
    assert (ROOT / SERVERS[server]).read_text().count("media-bucket") == 1


def test_each_process_has_its_own_key_of_the_bucket(server: str) -> None:
    services, prefix = services_of(server), SECRETS[server]
    api, background = services["api"]["environment"], services["background"]["environment"]
    found = [api, child_environment(background, WORKER), child_environment(background, REAPER)]
    assert len({one["AWS_ACCESS_KEY_ID"] for one in found}) == len(found)
    assert len({one["AWS_SECRET_ACCESS_KEY"] for one in found}) == len(found)
    assert f"{prefix}_INSPECT_PASSWORD" not in str(api)
    assert f"{prefix}_BROKER_PASSWORD" not in str(background)
    deliverer = child_environment(background, DELIVERER)
    assert "_PASSWORD" not in str(deliverer).replace("POSTGRES_PASSWORD", "")
    assert deliverer["BROKER_WEBHOOK_SECRET"] == "${BROKER_WEBHOOK_SECRET:-}"


def test_only_the_deliverer_has_the_secret_of_webhooks(server: str) -> None:
    services = services_of(server)
    with_secret = {name for name, one in services.items() if "WEBHOOK_SECRET" in str(one)}
    assert with_secret == {"background"}
    background = services["background"]["environment"]
    for secrets in (WORKER, REAPER):
        assert "WEBHOOK_SECRET" not in str(child_environment(background, secrets))


def test_only_the_api_and_what_sets_users_up_have_the_key_that_reads_private_files(
    server: str,
) -> None:
    services = services_of(server)
    with_key = {name for name, one in services.items() if "PRIVATE_PASSWORD" in str(one)}
    assert with_key - S3_SERVICES == {"api"}


def test_only_the_api_has_the_secret_for_tokens(server: str) -> None:
    services = services_of(server)
    assert {name for name, one in services.items() if "JWT_SECRET" in str(one)} == {"api"}


def test_the_compose_files_differ_in_the_s3_server_alone(server: str) -> None:
    def without_server(of: str) -> dict[str, Any]:
        kept = {n: dict(one) for n, one in services_of(of).items() if n not in S3_SERVICES}
        for one in kept.values():
            environment = one.get("environment", {})
            one["environment"] = {k: v for k, v in environment.items() if k not in OF_SERVER}
            waits = one.get("depends_on", {})
            one["depends_on"] = {k: v for k, v in waits.items() if k not in S3_SERVICES}
        return kept

    assert without_server(server) == without_server("minio")
    assert len(without_server(server)) == 5
