"""`broker token`: the keys that it signs with, and the keys that it refuses."""

import time
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from broker.cli.token import token
from broker.domain.grants import Action, read_grants
from broker.local.dev_env import load_or_make

SECRET = "a-secret-of-the-tests-alone-0123456789abcdef"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(token, [str(argument) for argument in arguments])


def test_broker_token_signs_with_the_secret_of_broker_dev(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", "7", "--data-dir", tmp_path, "--ttl", "60")
    claims = jwt.decode(done.stdout.strip(), secret, ["HS256"])
    assert claims["sub"] == "7"
    assert 0 < claims["exp"] - time.time() <= 60
    assert "role" not in claims


def test_broker_token_creates_service_tokens(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", "1", "--role", "service", "--data-dir", tmp_path)
    assert jwt.decode(done.stdout.strip(), secret, ["HS256"])["role"] == "service"


def test_broker_token_does_not_sign_with_a_secret_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_JWT_SECRET", SECRET)
    done = run("--sub", "1", "--data-dir", tmp_path)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "--key" in done.stderr


def test_broker_token_signs_with_a_secret_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    done = run("--sub", "1", "--key", file)
    assert jwt.decode(done.stdout.strip(), SECRET, ["HS256"])["sub"] == "1"


def test_broker_token_signs_with_a_private_key(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    done = run("--sub", "1", "--key", file, "--algorithm", "ES256")
    assert jwt.decode(done.stdout.strip(), key.public_key(), ["ES256"])["sub"] == "1"
    assert "does not suit HS256" in run("--sub", "1", "--key", file).stderr


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256"])
def test_an_unsuitable_key_is_reported_in_one_line(algorithm: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("short")
    done = run("--sub", "1", "--key", file, "--algorithm", algorithm)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.strip().count("\n") == 0
    assert "short" not in done.stderr


@pytest.mark.parametrize("sub", ["", "x" * 129, "a\nb"])
def test_a_sub_that_the_api_would_refuse_is_refused(sub: str, tmp_path: Path) -> None:
    load_or_make(tmp_path, port=8000, s3_port=8333)
    assert run("--sub", sub, "--data-dir", tmp_path).exit_code == 2


@pytest.mark.parametrize("sub", ["auth0|x", "0f2b6c1e-7a53-4c61-9d1b-2f6f2f6d5a11", "01", "1"])
def test_report_24_broker_token_takes_any_subject(sub: str, tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", sub, "--data-dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert jwt.decode(done.stdout.strip(), secret, ["HS256"])["sub"] == sub


def test_report_24_broker_token_uses_the_claim_that_broker_dev_is_configured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_JWT_USER_CLAIM", "uid")
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", "auth0|x", "--data-dir", tmp_path)
    assert jwt.decode(done.stdout.strip(), secret, ["HS256"])["uid"] == "auth0|x"


def test_report_30_broker_token_signs_the_claims_that_the_settings_require(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run(
        *("--sub", "7", "--data-dir", tmp_path),
        *("--iss", "https://shop.example", "--aud", "broker"),
        *("--claim", "tenant=north", "--claim", 'groups=["a", "b"]', "--claim", "level=3"),
        *("--claim", "text=1=2", "--claim", "none=NaN"),
    )
    assert done.exit_code == 0, done.output
    claims = jwt.decode(
        done.stdout.strip(), secret, ["HS256"], audience="broker", issuer="https://shop.example"
    )
    assert claims["tenant"] == "north"
    assert claims["groups"] == ["a", "b"]
    assert claims["level"] == 3
    assert (claims["text"], claims["none"]) == ("1=2", "NaN")


def test_report_30_a_claim_replaces_that_of_another_option(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", "7", "--data-dir", tmp_path, "--claim", "sub=auth0|7")
    assert done.exit_code == 0, done.output
    assert jwt.decode(done.stdout.strip(), secret, ["HS256"])["sub"] == "auth0|7"


@pytest.mark.parametrize("claim", ["tenant", "=north", "iss=3"])
def test_report_30_a_claim_that_cannot_be_signed_is_refused(claim: str, tmp_path: Path) -> None:
    load_or_make(tmp_path, port=8000, s3_port=8333)
    done = run("--sub", "1", "--data-dir", tmp_path, "--claim", claim)
    assert done.exit_code == 2
    assert claim.partition("=")[0] in done.stderr
    assert "No such option" not in done.stderr


def test_report_24_a_token_has_what_the_settings_of_broker_dev_require(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "BROKER_JWT_TOKEN_TYPE": "typ=at+jwt",
        "BROKER_JWT_ROLE_CLAIM": "kind",
        "BROKER_JWT_SERVICE_ROLE": "backend",
    }.items():
        monkeypatch.setenv(name, value)
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run("--sub", "7", "--role", "service", "--data-dir", tmp_path)
    assert done.exit_code == 0, done.output
    made = jwt.decode_complete(done.stdout.strip(), secret, ["HS256"])
    assert made["header"]["typ"] == "at+jwt"
    done = run("--sub", "7", "--data-dir", tmp_path, "--typ", "JWT")
    assert jwt.get_unverified_header(done.stdout.strip())["typ"] == "JWT"
    assert made["payload"]["kind"] == "backend"
    monkeypatch.setenv("BROKER_JWT_TOKEN_TYPE", "token_type=access")
    load_or_make(tmp_path, port=8000, s3_port=8333)
    done = run("--sub", "7", "--data-dir", tmp_path)
    assert jwt.decode(done.stdout.strip(), secret, ["HS256"])["token_type"] == "access"


def test_broker_token_signs_grants(tmp_path: Path) -> None:
    secret = load_or_make(tmp_path, port=8000, s3_port=8333)["BROKER_JWT_SECRET"]
    done = run(
        *("--sub", "7", "--data-dir", tmp_path),
        *("--grant", "product_image/42:create,delete", "--grant", "invoice/order_7:read"),
    )
    assert done.exit_code == 0, done.output
    claims = jwt.decode(done.stdout.strip(), secret, ["HS256"])
    grants, faults = read_grants(claims["authorization_details"])
    assert grants.actions == {
        ("product_image", "42"): {Action.CREATE, Action.DELETE},
        ("invoice", "order_7"): {Action.READ},
    }
    assert faults == []
    done = run("--sub", "7", "--data-dir", tmp_path)
    assert "authorization_details" not in jwt.decode(done.stdout.strip(), secret, ["HS256"])


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ("product_image/42", "is not PROFILE/OWNER:ACTION,ACTION"),
        ("product_image:create", "is not PROFILE/OWNER:ACTION,ACTION"),
        ("product_image/42:", "the actions are create, update, delete, read"),
        ("product_image/42:create,publish", "the actions are create, update, delete, read"),
        ("product_image/42:create,", "the actions are create, update, delete, read"),
        ("product_image/4/2:create", "the owner must have 1 to 64"),
        ("product_image/:create", "the owner must have 1 to 64"),
        (f"product_image/{'4' * 65}:create", "the owner must have 1 to 64"),
        ("Product Image/42:create", "the profile must begin with a letter"),
        ("product_image/42:" + ",".join(["read"] * 5), "more than 4 actions"),
        ("product_image/42:create,update,delete,read,publish", "more than 4 actions"),
    ],
)
def test_a_grant_that_the_api_would_ignore_is_refused(
    grant: str, reason: str, tmp_path: Path
) -> None:
    load_or_make(tmp_path, port=8000, s3_port=8333)
    done = run("--sub", "1", "--data-dir", tmp_path, "--grant", grant)
    assert (done.exit_code, done.stdout) == (2, "")
    assert reason in done.stderr


def test_a_token_has_at_most_100_grants(tmp_path: Path) -> None:
    load_or_make(tmp_path, port=8000, s3_port=8333)
    grants = [word for number in range(101) for word in ("--grant", f"product_image/{number}:read")]
    assert run("--sub", "1", "--data-dir", tmp_path, *grants[:200]).exit_code == 0
    done = run("--sub", "1", "--data-dir", tmp_path, *grants)
    assert done.exit_code == 2
    assert "at most 100 grants" in done.stderr
