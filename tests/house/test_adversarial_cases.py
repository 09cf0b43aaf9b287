"""Each adversarial case has a test with its number."""

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
# The bucket itself refuses the cases that begin with "S3". They run on each server with policies.
CASES = {
    1: "a ticket for another user's ad",
    2: "a ticket for another user's avatar",
    3: "no bearer, a garbled bearer",
    4: "a JWT with alg none",
    5: "RS256 configured, a token HS256-signed with the public key",
    6: "exp past, or missing",
    7: "wrong aud or iss",
    8: "a file name that climbs",
    9: "S3: the form's key changed to another ad's",
    10: "S3: the key of an ad whose id begins alike",
    11: "S3: a size over the limit, a body longer or shorter",
    12: "S3: zero bytes, an empty body",
    13: "S3: the form's type changed, SVG at the ticket",
    14: "S3: other bytes of the same length",
    15: "S3: an expired policy",
    16: "confirm before the upload",
    17: "confirm another user's upload",
    18: "confirm twice",
    19: "twenty confirms at once",
    20: "S3: the form replayed with other bytes",
    21: "an Idempotency-Key again",
    22: "over the rate limit",
    23: "a body over the limit, of another type, broken",
    24: "line breaks in names and headers, secrets in logs",
    25: "S3: an abandoned upload",
}
_TEST = re.compile(r"^def test_case((?:_\d\d)+)_\w+\(([^)]*)\)", re.MULTILINE)
_EACH = re.compile(r"@EACH_SERVER\n(?:@.*\n)*def test_case((?:_\d\d)+)_")


def numbers(text: str) -> set[int]:
    return {int(number) for number in text.strip("_").split("_")}


def test_every_case_has_a_test_and_those_of_s3_one_on_both_servers() -> None:
    found: set[int] = set()
    on_both: set[int] = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        for name, parameters in _TEST.findall(text):
            found |= numbers(name)
            on_both |= numbers(name) if "any_bucket" in parameters else set()
        for name in _EACH.findall(text):
            on_both |= numbers(name)
    assert found == set(CASES)
    assert {number for number, case in CASES.items() if case.startswith("S3")} <= on_both
