"""Check the token key: it suits the algorithm and is strong enough."""

from collections.abc import Iterator

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from broker.doctor.examination import Examination
from broker.doctor.finding import Finding, fail, ok, warn

CHECK = "jwt"
PEM = "BROKER_JWT_PUBLIC_KEY"
SECRET = "BROKER_JWT_SECRET"  # noqa: S105
RSA_BITS = 2048
DISTINCT_BYTES = 10
LEEWAY_SECONDS = 60
WANTED = {"RS256": f"RSA with {RSA_BITS} bits or more", "ES256": "EC on the curve P-256"}


def check(examination: Examination) -> Iterator[Finding]:
    """Check the key, the required claims, the leeway and the capability secret."""
    settings = examination.settings
    if settings.jwt_algorithm == "HS256" and settings.jwt_secret is not None:
        yield _secret(settings.jwt_secret.get_secret_value())
    elif (pem := settings.jwt_public_key_pem) is not None:
        yield _pem(pem, settings.jwt_algorithm)
    for setting, value, claim in (
        ("BROKER_JWT_ISSUER", settings.jwt_issuer, "iss"),
        ("BROKER_JWT_AUDIENCE", settings.jwt_audience, "aud"),
    ):
        if value is None:
            yield warn(
                CHECK,
                f"tokens with any {claim} are accepted, even those for other services",
                setting=setting,
                fix=f"set {setting} to the {claim} of the marketplace's tokens",
            )
    if settings.jwt_leeway > LEEWAY_SECONDS:
        yield warn(
            CHECK,
            f"expired tokens are accepted for {settings.jwt_leeway} s",
            setting="BROKER_JWT_LEEWAY",
            fix="synchronize the clocks (NTP), and set BROKER_JWT_LEEWAY to 60 or less",
        )
    if settings.jwt_algorithm != "HS256" and settings.capability_secret is None:
        yield warn(
            CHECK,
            "Uppy's endpoints cannot be signed, so uppy_session/ is refused",
            setting="BROKER_CAPABILITY_SECRET",
            fix='BROKER_CAPABILITY_SECRET="$(openssl rand -base64 48)"',
        )


def unusable_kind(key: object, algorithm: str) -> str | None:
    """Return the kind of a public key that the algorithm cannot use; None if it can."""
    if isinstance(key, RSAPublicKey):
        if algorithm == "RS256" and key.key_size >= RSA_BITS:
            return None
        return f"RSA with {key.key_size} bits"
    if isinstance(key, EllipticCurvePublicKey):
        if algorithm == "ES256" and isinstance(key.curve, SECP256R1):
            return None
        return f"EC on the curve {key.curve.name}"
    return "of another kind"


def _secret(secret: str) -> Finding:
    if len(set(secret)) < DISTINCT_BYTES or secret in (secret + secret)[1:-1]:
        return warn(
            CHECK,
            "the HS256 secret is repetitive, so it can be guessed",
            setting=SECRET,
            fix=f'{SECRET}="$(openssl rand -base64 48)", and the same value in the marketplace',
        )
    return ok(CHECK, f"HS256 with a secret of {len(secret.encode())} bytes")


def _pem(pem: str, algorithm: str) -> Finding:
    if "PRIVATE KEY" in pem:
        return fail(
            CHECK,
            "the PEM is a private key, which can sign tokens for anyone",
            setting=PEM,
            fix="openssl pkey -in KEY.pem -pubout, and remove the private key from this machine",
        )
    if "BEGIN CERTIFICATE" in pem:
        return fail(
            CHECK,
            "the PEM is a certificate, not a public key",
            setting=PEM,
            fix="openssl x509 -in CERT.pem -noout -pubkey",
        )
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return fail(
            CHECK,
            "the PEM is not a public key",
            setting=PEM,
            fix=f"set {PEM} to the issuer's public key: {WANTED[algorithm]}",
        )
    if (kind := unusable_kind(key, algorithm)) is not None:
        return fail(
            CHECK,
            f"{algorithm} needs a key that is {WANTED[algorithm]}; this one is {kind}",
            setting=PEM,
            fix=f"set {PEM} to the issuer's {algorithm} key, or correct BROKER_JWT_ALGORITHM",
        )
    return ok(CHECK, f"{algorithm} with a public key as PEM")
