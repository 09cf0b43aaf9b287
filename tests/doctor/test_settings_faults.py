"""Settings, tokens and the broker's public URL."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from broker.doctor.checks import CHECKS
from broker.local.process import free_ports
from tests.doctor.conftest import NO_BUCKET, Environment

PEM = "BROKER_JWT_PUBLIC_KEY"
JWKS = "BROKER_JWT_JWKS_URL"
Serve = Callable[[bytes], str]


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve one body for every path; answer 404 if the body is None."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("Location", "/")
            else:
                self.send_response(200 if bodies[0] else 404)
            self.end_headers()
            self.wfile.write(bodies[0])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def begin(body: bytes) -> str:
            bodies.insert(0, body)
            return f"http://127.0.0.1:{server.server_address[1]}"

        yield begin
        server.shutdown()
        thread.join()


def public_pem(key: Any) -> str:
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def private_pem(key: Any) -> str:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now, now + timedelta(days=1)
    ).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def with_key(no_bucket: Environment, algorithm: str, **values: str) -> Any:
    no_bucket.monkeypatch.delenv("BROKER_JWT_SECRET")
    return no_bucket.doctor(JWT_ALGORITHM=algorithm, CAPABILITY_SECRET="c" * 40, **values)


def test_each_invalid_setting_has_a_line(no_bucket: Environment) -> None:
    no_bucket.monkeypatch.delenv("BROKER_S3_BUCKET")
    report = no_bucket.doctor(TICKET_TTL="never", JWT_SECRET="too-short-secret")
    faults = [f for f in report.findings if f["outcome"] == "fail"]
    assert {f["setting"] for f in faults} == {"BROKER_S3_BUCKET", "BROKER_TICKET_TTL"}
    assert all(f["fix"].startswith(f"set {f['setting']}") for f in faults)
    assert [f["check"] for f in report.findings if f["outcome"] == "skip"] == [
        check.name for check in CHECKS
    ]
    assert report.exit_code == 1
    assert "too-short" not in report.text


def test_a_secret_that_is_too_short_names_its_setting(no_bucket: Environment) -> None:
    fault = no_bucket.doctor(JWT_SECRET="too-short-secret").of("settings", "fail")
    assert fault["setting"] == "BROKER_JWT_SECRET"
    assert "32 bytes" in fault["detail"]
    assert "too-short" not in fault["detail"]


def test_an_unknown_setting_is_a_warning(no_bucket: Environment) -> None:
    report = no_bucket.doctor(S3_BUKET="media")
    assert report.of("settings", "warn")["setting"] == "BROKER_S3_BUKET"


def test_the_page_that_signs_anyone_in_is_a_warning(no_bucket: Environment) -> None:
    assert no_bucket.doctor(DEV="true").of("settings", "warn")["setting"] == "BROKER_DEV"


@pytest.mark.parametrize("secret", ["a" * 40, "changeme" * 5, "0123456789ab" * 3])
def test_a_repetitive_secret_is_a_warning(no_bucket: Environment, secret: str) -> None:
    report = no_bucket.doctor(JWT_SECRET=secret)
    found = report.of("jwt", "warn")
    assert found["setting"] == "BROKER_JWT_SECRET"
    assert "openssl rand" in found["fix"]
    assert secret not in report.text


@pytest.mark.parametrize("name", ["ISSUER", "AUDIENCE"])
def test_accepting_any_issuer_or_audience_is_a_warning(no_bucket: Environment, name: str) -> None:
    no_bucket.monkeypatch.delenv(f"BROKER_JWT_{name}")
    found = no_bucket.doctor().of("jwt", "warn")
    assert found["setting"] == f"BROKER_JWT_{name}"
    assert found["fix"].startswith(f"set BROKER_JWT_{name}")


def test_a_suitable_public_key_passes(no_bucket: Environment, rsa_key: rsa.RSAPrivateKey) -> None:
    report = with_key(no_bucket, "RS256", JWT_PUBLIC_KEY=public_pem(rsa_key))
    assert "RS256" in report.of("jwt", "ok")["detail"]
    assert report.failed == NO_BUCKET


def test_a_public_key_of_the_wrong_kind_is_a_failure(
    no_bucket: Environment, rsa_key: rsa.RSAPrivateKey
) -> None:
    report = with_key(no_bucket, "ES256", JWT_PUBLIC_KEY=public_pem(rsa_key))
    fault = report.of("jwt", "fail")
    assert "ES256 needs a key that is EC on the curve P-256" in fault["detail"]
    assert fault["setting"] == PEM
    assert "BROKER_JWT_ALGORITHM" in fault["fix"]
    assert report.failed - NO_BUCKET == {"jwt"}


def test_a_public_key_on_another_curve_is_a_failure(no_bucket: Environment) -> None:
    pem = public_pem(ec.generate_private_key(ec.SECP384R1()))
    fault = with_key(no_bucket, "ES256", JWT_PUBLIC_KEY=pem).of("jwt", "fail")
    assert "secp384r1" in fault["detail"]


def test_a_public_key_that_is_too_short_is_a_failure(no_bucket: Environment) -> None:
    pem = public_pem(rsa.generate_private_key(65537, 1024))
    fault = with_key(no_bucket, "RS256", JWT_PUBLIC_KEY=pem).of("jwt", "fail")
    assert "this one is RSA with 1024 bits" in fault["detail"]
    assert fault["setting"] == PEM


def test_a_private_key_instead_of_a_public_one_is_a_failure(
    no_bucket: Environment, rsa_key: rsa.RSAPrivateKey
) -> None:
    pem = private_pem(rsa_key)
    report = with_key(no_bucket, "RS256", JWT_PUBLIC_KEY=pem)
    fault = report.of("jwt", "fail")
    assert "private key" in fault["detail"]
    assert "-pubout" in fault["fix"]
    assert pem.splitlines()[1] not in report.text


def test_a_certificate_instead_of_a_public_key_is_a_failure(
    no_bucket: Environment, rsa_key: rsa.RSAPrivateKey
) -> None:
    fault = with_key(no_bucket, "RS256", JWT_PUBLIC_KEY=certificate(rsa_key)).of("jwt", "fail")
    assert "certificate" in fault["detail"]
    assert fault["setting"] == PEM


def test_an_invalid_pem_is_a_failure(no_bucket: Environment) -> None:
    pem = "-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n"
    fault = with_key(no_bucket, "RS256", JWT_PUBLIC_KEY=pem).of("jwt", "fail")
    assert "not a public key" in fault["detail"]


def jwks(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": [{"kid": str(n), **key} for n, key in enumerate(keys)]}).encode()


def test_one_suitable_published_key_passes(
    no_bucket: Environment, serve: Serve, rsa_key: rsa.RSAPrivateKey
) -> None:
    elliptic = ECAlgorithm.to_jwk(
        ec.generate_private_key(ec.SECP256R1()).public_key(), as_dict=True
    )
    keys = jwks(RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True), elliptic)
    report = with_key(no_bucket, "RS256", JWT_JWKS_URL=f"{serve(keys)}/jwks.json")
    assert report.of("jwks", "ok")["detail"] == "1 of 2 keys can be used with RS256"
    assert report.failed == NO_BUCKET


def test_no_suitable_published_key_is_a_failure(
    no_bucket: Environment, serve: Serve, rsa_key: rsa.RSAPrivateKey
) -> None:
    keys = jwks(RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True))
    report = with_key(no_bucket, "ES256", JWT_JWKS_URL=f"{serve(keys)}/jwks.json")
    fault = report.of("jwks", "fail")
    assert "none of its 1 keys is EC on the curve P-256" in fault["detail"]
    assert fault["setting"] == JWKS
    assert "BROKER_JWT_ALGORITHM" in fault["fix"]
    assert report.failed - NO_BUCKET == {"jwks"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"keys": []}'])
def test_a_jwks_url_without_keys_is_a_failure(
    no_bucket: Environment, serve: Serve, body: bytes
) -> None:
    fault = with_key(no_bucket, "RS256", JWT_JWKS_URL=serve(body)).of("jwks", "fail")
    assert fault["setting"] == JWKS
    assert "jwks_uri" in fault["fix"]


def test_a_jwks_url_that_redirects_is_a_failure(
    no_bucket: Environment, serve: Serve, rsa_key: rsa.RSAPrivateKey
) -> None:
    keys = jwks(RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True))
    report = with_key(no_bucket, "RS256", JWT_JWKS_URL=f"{serve(keys)}/elsewhere")
    fault = report.of("jwks", "fail")
    assert "answers 302" in fault["detail"]
    assert "jwks_uri" in fault["fix"]


def test_a_jwks_url_without_a_server_is_a_failure(no_bucket: Environment) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/jwks.json"
    report = with_key(no_bucket, "RS256", JWT_JWKS_URL=url)
    fault = report.of("jwks", "fail")
    assert "nothing listens" in fault["detail"]
    assert fault["setting"] == JWKS
    assert fault["fix"].startswith(f"set {JWKS}")
    assert report.failed - NO_BUCKET == {"jwks"}


def test_an_untrusted_certificate_is_a_failure(
    no_bucket: Environment, rsa_key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    file = tmp_path / "issuer.pem"
    file.write_text(certificate(rsa_key) + private_pem(rsa_key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"https://127.0.0.1:{server.server_address[1]}"
        report = no_bucket.doctor(S3_ENDPOINT_URL=url)
        server.shutdown()
        thread.join()
    fault = report.of("internal-url", "fail")
    assert "TLS failed: the certificate is not trusted (self-signed" in fault["detail"]
    assert fault["setting"] == "BROKER_S3_ENDPOINT_URL"


def test_a_public_url_of_the_broker_that_answers_passes(
    no_bucket: Environment, serve: Serve
) -> None:
    report = no_bucket.doctor(PUBLIC_URL=serve(b'{"status":"ok"}'))
    assert "answers" in report.of("broker-url", "ok")["detail"]


@pytest.mark.parametrize("body", [b"", b"<html>another service"])
def test_a_public_url_of_another_service_is_a_warning(
    no_bucket: Environment, serve: Serve, body: bytes
) -> None:
    report = no_bucket.doctor(PUBLIC_URL=serve(body))
    assert report.of("broker-url", "warn")["setting"] == "BROKER_PUBLIC_URL"


def test_a_public_url_without_a_broker_is_a_warning(no_bucket: Environment) -> None:
    found = no_bucket.doctor(PUBLIC_URL=f"http://127.0.0.1:{free_ports(1)[0]}").of(
        "broker-url", "warn"
    )
    assert "nothing listens" in found["detail"]
    assert found["setting"] == "BROKER_PUBLIC_URL"
