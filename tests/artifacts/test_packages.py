"""Two builds of one commit are the same, and hold what they should and nothing else."""

import hashlib
import os
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.artifacts.away import ROOT
from tests.artifacts.conftest import Built
from tests.house.test_clients_page import row
from tests.house.test_versions import version

pytestmark = [pytest.mark.matrix(part="artifacts"), pytest.mark.timeout(600)]


def maven_files(number: str) -> set[str]:
    """Return the files that Maven Central requires of each published module, in this version."""
    found = set()
    for pom in (ROOT / "clients/kotlin").glob("*/pom.xml"):
        text = pom.read_text()
        if "<maven.deploy.skip>true" not in text:
            name = re.findall(r"^  <artifactId>(.*)</artifactId>", text, re.M)[0]
            kind = ".aar" if (pom.parent / "src/main/aar").exists() else ".jar"
            for end in (".pom", kind, "-sources.jar", "-javadoc.jar"):
                found.add(f"maven/io/github/upload-broker/{name}/{number}/{name}-{number}{end}")
    return found


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def unpacked(package: Path) -> dict[str, bytes]:
    """Return the files of a zip or a compressed tar."""
    if package.suffix in (".gz", ".tgz"):
        with tarfile.open(package) as archive:
            members = [one for one in archive.getmembers() if one.isfile()]
            return {one.name: archive.extractfile(one).read() for one in members}
    with zipfile.ZipFile(package) as archive:
        return {one: archive.read(one) for one in archive.namelist()}


def test_two_builds_of_a_commit_are_the_same_bytes(built: Built) -> None:
    first = contents(built.first)
    assert len(first) > 10
    assert first == contents(built.second)


def test_there_is_a_package_for_each_registry_in_one_version(built: Built) -> None:
    number = version()
    wanted = {
        f"upload_broker-{number}.tar.gz",
        f"upload_broker-{number}-py3-none-any.whl",
        f"upload_broker_client-{number}.tar.gz",
        f"upload_broker_client-{number}-py3-none-any.whl",
        f"upload-broker-client-{number}.tgz",
        "sbom.cdx.json",
        "sbom-worker.cdx.json",
    }
    assert len(maven_files(number)) >= 4
    assert wanted | maven_files(number) <= set(contents(built.first))


def test_each_package_has_the_licence_and_no_file_outside_of_itself(built: Built) -> None:
    licence = (ROOT / "LICENSE").read_bytes()
    kinds = (".whl", ".jar", ".aar", ".gz", ".tgz")
    packages = [path for path in built.first.rglob("*") if path.suffix in kinds]
    assert len(packages) >= 8
    for package in packages:
        files = unpacked(package)
        assert not [one for one in files if one.startswith("/") or ".." in Path(one).parts], package
        if "-javadoc" not in package.name:
            (name,) = [one for one in files if Path(one).name == "LICENSE"]
            assert files[name] == licence


@pytest.mark.parametrize(
    ("column", "pattern"),
    [
        ("JavaScript", "*.tgz"),
        ("Python", "upload_broker_client-*.whl"),
        ("Kotlin", "maven/**/upload-broker-client-[0-9]*[0-9].jar"),
    ],
)
def test_the_sizes_are_about_those_that_the_page_of_clients_has(
    built: Built, column: str, pattern: str
) -> None:
    (package,) = built.first.glob(pattern)
    told = row("package")[column].removesuffix(" kB")
    assert int(told) * 1000 == pytest.approx(package.stat().st_size, rel=0.15)


def test_the_checksums_are_those_of_all_files(built: Built) -> None:
    lines = (built.first / "SHA256SUMS").read_text().splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = contents(built.first)
    del found["SHA256SUMS"]
    assert told == found


@pytest.mark.parametrize("name", ["upload_broker", "upload_broker_client"])
def test_a_source_distribution_has_only_files_of_the_commit_and_of_setuptools(
    built: Built, name: str
) -> None:
    folder = f"{name}-{version()}"
    with tarfile.open(built.first / f"{folder}.tar.gz") as archive:
        members = [one for one in archive.getmembers() if one.isfile()]
    files = {one.name.removeprefix(f"{folder}/") for one in members}
    package = "" if name == "upload_broker" else "clients/python/"
    command = ["git", "ls-tree", "-r", "--name-only", f"HEAD:{package}"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    # broker/web/client is a link to clients/js.
    committed = {one.replace("clients/js/", "broker/web/client/") for one in listed.splitlines()}
    made = {one for one in files if one.startswith(f"{name}.egg-info/")}
    assert files - made - {"PKG-INFO", "setup.cfg"} <= committed
    assert not [one for one in files if one.startswith(("tests", "docs", "benchmarks", "."))]
    assert {(one.uid, one.gid, one.uname, one.gname) for one in members} == {(0, 0, "", "")}


def test_the_page_makes_a_bundle_with_a_signature_and_digests_for_each_file(
    built: Built, tmp_path: Path
) -> None:
    """Run the commands of docs/releasing.md with a key that exists only here."""
    page = (ROOT / "docs/releasing.md").read_text()
    script = next(one for one in re.findall(r"```sh\n(.*?)```", page, re.S) if "gpg" in one)
    (tmp_path / "dist").symlink_to(built.first)
    (tmp_path / "gnupg").mkdir(mode=0o700)
    env = {**os.environ, "GNUPGHOME": str(tmp_path / "gnupg")}
    key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Release"]
    for command in (key, ["bash", "-euc", script], ["gpgconf", "--kill", "gpg-agent"]):
        subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    with zipfile.ZipFile(tmp_path / "central.zip") as bundle:
        names = {one for one in bundle.namelist() if not one.endswith("/")}
    files = {one for one in names if one.endswith((".pom", ".jar", ".aar"))}
    assert len(files) >= 5
    assert names == {f"{one}{end}" for one in files for end in ("", ".asc", ".md5", ".sha1")}
