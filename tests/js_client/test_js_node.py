"""clients/js without a browser: node's test runner, the TypeScript compiler, the npm package."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker.local.process import ServerNotInstalled
from tests.servers import installed_or_skip
from tests.servers.npm import installed

HERE = Path(__file__).parent
CLIENT = HERE.parents[1] / "clients/js"


def program(name: str) -> str:
    """Return the path of node or npm. Skip the test if it is missing."""
    with installed_or_skip():
        found = shutil.which(name)
        if found is None:
            raise ServerNotInstalled(f"{name} is missing: apt-get install nodejs npm")
        return found
    raise AssertionError


@pytest.mark.parametrize("hash_at_once", [True, False], ids=["hash_at_once", "others"])
def test_the_node_tests_pass(hash_at_once: bool) -> None:
    # hashAtOnce() replaces the clock of its process.
    found = [
        str(file)
        for file in sorted((HERE / "js").glob("*.test.js"))
        if ("hashAtOnce();" in file.read_text()) is hash_at_once
    ]
    assert found
    command = [program("node"), "--test-reporter=spec", str(HERE / "js/together.js"), *found]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    sys.stdout.write(run.stdout)
    assert run.returncode == 0, run.stderr


def test_a_typescript_page_compiles_with_the_declarations() -> None:
    package = HERE / "typescript"
    with installed_or_skip():
        modules = installed(package)
    tsc = subprocess.run(
        [modules / ".bin/tsc"],
        cwd=package,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert tsc.returncode == 0, tsc.stdout


def test_the_declared_names_are_exported() -> None:
    names = ["Broker", "BrokerError", "StillProcessing", "UploadRejected"]
    names += ["placeholderOf", "srcsetOf"]
    url = json.dumps((CLIENT / "broker.js").as_uri())
    script = f"const m = await import({url}); for (const one of {names}) m[one].name"
    command = [program("node"), "--input-type=module", "-e", script]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_the_package_has_all_modules_and_no_dependencies() -> None:
    npm = program("npm")
    packed = subprocess.run(
        [npm, "pack", "--dry-run", "--json"],
        cwd=CLIENT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    (package,) = json.loads(packed.stdout)
    files = {file["path"] for file in package["files"]}
    own = {path.name for path in CLIENT.iterdir() if path.is_file()}
    assert files == own
    assert {"broker.js", "broker.d.ts", "sha256-worker.js", "LICENSE"} <= own
    described = json.loads((CLIENT / "package.json").read_text())
    assert not {"dependencies", "peerDependencies"} & set(described)
