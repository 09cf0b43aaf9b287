"""The check finds a secret in a log, no matter how it got there."""

from pathlib import Path

import pytest

from tests.canaries.checker import leaks, secrets_of
from tests.http.client import token
from tests.secret_values import EVERY_SECRET, SECRET
from tests.servers import ceph, minio, seaweedfs, versitygw

ROOT = Path(__file__).parent.parent.parent
HEX = "0123456789abcdef" * 4
# With a literal token: what makes tokens takes seconds to import.
LEAKING = """
import logging, subprocess, sys
import pytest
from tests.secret_values import SECRET

TOKEN = "the token"

@pytest.fixture(autouse=True)
def a_handler():
    log = logging.getLogger("broker")
    log.setLevel("INFO")

def test_message(): logging.getLogger("broker.x").info("got %s", TOKEN)
def test_extra(): logging.getLogger("broker.y").info("x", extra={"path": "/" + TOKEN})
def test_stderr(): print(SECRET, file=sys.stderr)
def test_trace():
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("broker.z").exception("failed")
def test_command():
    code = "import sys; sys.stderr.write(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, TOKEN], capture_output=True)
def test_innocent(): logging.getLogger("broker.x").info("upload %s", "ads/ad_1/a_x7Kp2mQa.jpg")
""".replace("the token", token(1))


def nested(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *args: str) -> str:
    """Run tests in a new process with this plugin only; return its output."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    # Hypothesis and Schemathesis would take seconds to start in each process.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    plugins = ("-p", "xdist", "-p", "tests.canaries.plugin", "-p", "no:cacheprovider")
    pytester.makeini("[pytest]\nmarkers = matrix(part)")
    result = pytester.runpytest_subprocess(*plugins, *args)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text: str = result.stdout.str()
    return text


# Both targets of the Makefile have workers.
@pytest.mark.parametrize(
    "workers", [pytest.param("0", marks=pytest.mark.matrix(part="walks")), "2"]
)
def test_a_secret_in_any_log_fails_the_test_and_names_the_logger(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    pytester.makepyfile(LEAKING)
    output = nested(pytester, monkeypatch, "-n", workers)
    assert "5 failed, 1 passed" in output
    for line in (
        "logger broker.x: a token",
        "logger broker.y: a token",
        "logger broker.z: a secret",
        "standard error: a secret",
        "standard error of python",
    ):
        assert line in output


def test_a_secret_in_a_log_file_fails_the_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        def test_a_server(tmp_path):
            (tmp_path / "dev.env").write_text("BROKER_JWT_SECRET='made-for-this-directory-0123'")
            (tmp_path / "api.log").write_text("started with made-for-this-directory-0123")
        """
    )
    output = nested(pytester, monkeypatch, "-n", "0")
    assert "1 passed, 1 error" in output
    assert "api.log: a secret" in output


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (token(1), "a token"),
        (f"Authorization: Bearer {HEX}", "an Authorization header"),
        ("{'Authorization': 'AWS4-HMAC-SHA256 Credential=x'}", "an Authorization header"),
        (f"http://s3/x?X-Amz-Signature={HEX}&y=1", "a signature"),
        (f"'x-amz-signature': '{HEX}'", "a signature"),
        (f'{{"x-amz-signature":"{HEX}"}}', "a signature"),
        ("policy eyJleHBpcmF0aW9uIjogIjIwMjYi", "a policy"),
        (f"/api/uppy/{HEX[:32]}.{'a-' * 21}b/s3/params", "a capability"),
        ("x-amz-security-token=FwoGZXIvYXdzEBYaDKOe", "a security token"),
        (f"key={SECRET}", "a secret"),
    ],
)
def test_each_kind_of_secret_is_found(text: str, kind: str) -> None:
    assert kind in leaks(f"before {text} after")


def test_the_secrets_of_the_servers_are_known() -> None:
    assert {server.SECRET_KEY for server in (ceph, minio, seaweedfs, versitygw)} < EVERY_SECRET


def test_harmless_text_is_no_leak() -> None:
    for text in (
        'Bearer error="invalid_token"',
        "x-amz-signature is missing",
        "the Authorization header is missing",
        f"request {HEX[:32]}",
        "/api/uppy/…/s3/params",
        "AKIAIOSFODNN7EXAMPLE",
    ):
        assert leaks(text) == []


def test_secrets_of_a_dev_env_are_found_by_name() -> None:
    text = "BROKER_JWT_SECRET='a-long-secret-of-its-own'\nBROKER_S3_BUCKET=media-bucket-of-a-dev\n"
    assert secrets_of(text) == ["a-long-secret-of-its-own"]
