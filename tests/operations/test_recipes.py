"""The systemd units and the Traefik file in docs/operations are complete and valid."""

import configparser
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.config import PREFIX, Settings, SettingsError
from broker.config.child_keys import ChildKeySettings
from broker.db.engine import make_engine

OPERATIONS = Path(__file__).parent.parent.parent / "docs/operations"
UNITS = sorted((OPERATIONS / "systemd").glob("*.service"))
TRAEFIK: dict[str, Any] = yaml.safe_load((OPERATIONS / "traefik.yml").read_text())["http"]
NEEDED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "PrivateTmp": "yes",
}
EXPOSURE_MAX = 20  # tenths; systemd itself calls less than 2.0 OK


def service(unit: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    assert parser["Install"]["WantedBy"] == "multi-user.target"
    return parser["Service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_is_confined_limited_and_restarted(unit: Path, tmp_path: Path) -> None:
    found = service(unit)
    assert {name: found[name] for name in NEEDED} == NEEDED
    assert found["Restart"] == "always"
    assert found["MemoryMax"]
    assert found["EnvironmentFile"]
    if (analyze := shutil.which("systemd-analyze")) is not None:
        here = tmp_path / unit.name
        # systemd checks that the program exists.
        here.write_text(unit.read_text().replace("/opt/broker/bin", sysconfig.get_path("scripts")))
        verify = [analyze, "verify", "--man=no", str(here)]
        done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        security = [analyze, "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}"]
        done = subprocess.run([*security, str(here)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout


def test_the_api_has_enough_time_to_drain_and_the_background_processes_serve_metrics() -> None:
    api, background = (service(unit) for unit in UNITS)
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert int(api["TimeoutStopSec"]) > defaults["drain_seconds"] + defaults["stop_seconds"]
    assert api["KillMode"] == "mixed"
    assert "background --workers 2 --metrics-port" in background["ExecStart"]
    assert background["KillMode"] == "mixed"
    assert int(background["TimeoutStopSec"]) > defaults["stop_seconds"]
    listed = (OPERATIONS / "systemd.md").read_text()
    assert all(f"(systemd/{unit.name})" in listed for unit in UNITS)


def test_the_unit_of_the_workers_lets_their_child_processes_give_up_their_rights() -> None:
    """Without these, no child process can be confined, and every upload would fail."""
    unit = (OPERATIONS / "systemd/upload-broker-background.service").read_text()
    calls = {"capset", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"}
    after = unit.partition("SystemCallFilter=~@privileged\n")[2]
    (allowed,) = re.findall(r"^SystemCallFilter=(.*)$", after, re.MULTILINE)
    assert calls <= set(allowed.split())
    assert "RestrictNamespaces=user net\n" in unit
    assert "OOMPolicy=continue\n" in unit


def test_only_the_api_gets_the_secrets_of_tokens_and_the_key_of_private_files() -> None:
    for unit in UNITS:
        unset = re.findall(r"^UnsetEnvironment=(.*)$", unit.read_text(), re.MULTILINE)
        if unit.name == "upload-broker-api.service":
            assert unset == []
        else:
            (names,) = unset
            secrets = {"JWT_SECRET", "CAPABILITY_SECRET", "PRIVATE_SECRET_ACCESS_KEY"}
            assert {PREFIX + name for name in secrets} <= set(names.split())


def test_the_environment_file_has_only_settings_and_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = (OPERATIONS / "systemd/upload-broker.env").read_text()
    assignments = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", text, re.MULTILINE))
    ours = {name for name in assignments if name.startswith(PREFIX)}
    assert ours <= {PREFIX + name.upper() for name in Settings.model_fields}
    assert all(not value for name, value in assignments.items() if name.endswith("SECRET"))
    background = (OPERATIONS / "systemd/background.env").read_text()
    found = dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", background, re.MULTILINE))
    keys = {PREFIX + name.upper() for name in ChildKeySettings.__annotations__}
    assert set(found) == {*keys, "BROKER_WEBHOOK_SECRET"}
    assert not any(found.values())
    for name, value in assignments.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="BROKER_JWT_SECRET"):
        Settings.load()
    monkeypatch.setenv("BROKER_JWT_SECRET", "0123456789abcdef" * 2)
    with pytest.raises(SettingsError, match="BROKER_DATABASE_URL"):
        make_engine(Settings.load().database_url)


def test_every_name_of_the_traefik_recipe_is_defined() -> None:
    page = (OPERATIONS / "media.md").read_text()
    (static,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    entry_points = set(yaml.safe_load(static)["entryPoints"])
    for router in TRAEFIK["routers"].values():
        assert router["service"] in TRAEFIK["services"]
        assert set(router.get("middlewares", [])) <= set(TRAEFIK["middlewares"])
        assert set(router["entryPoints"]) <= entry_points
        assert "tls" in router


def test_report_01_traefik_redirects_a_photo_with_a_query_to_the_photo() -> None:
    photos = TRAEFIK["routers"]["photos"]
    assert photos["middlewares"] == ["without-query", "photo-headers"]
    redirect = TRAEFIK["middlewares"]["without-query"]["redirectRegex"]
    replacement = re.sub(r"\$\{(\d)\}", r"\\\1", redirect["replacement"])
    photo = "https://media.example/media-bucket/media/ads/ad_1/main_x7Kp2mQa.jpg"
    for query in ("?", "?response-content-type=text/html", "?a=b?c&Response-Content-Type=x"):
        assert re.sub(redirect["regex"], replacement, photo + query) == photo
    assert re.search(redirect["regex"], photo) is None
    headers = TRAEFIK["middlewares"]["photo-headers"]["headers"]["customResponseHeaders"]
    site = (OPERATIONS / "nginx-media.conf").read_text()
    sent = re.findall(r'add_header (\S+) "?(.*?)"? always;', site)
    assert sent == [*headers.items()] * 2  # photos and private files


def test_proxies_keep_the_signed_queries_of_private_files() -> None:
    files = TRAEFIK["routers"]["private-files"]
    assert files["middlewares"] == ["photo-headers"]
    assert "PathPrefix(`/media-bucket/private/`) && Method(`GET`)" in files["rule"]
