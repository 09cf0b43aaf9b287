"""A table of claims and decisions: which actions the grants of a token allow for which owners."""

import json
import logging
import time
from typing import Any

import pytest

from broker.api.auth.claims import principal_of
from broker.config import Settings
from broker.domain.grants import NO_GRANTS, Action, Fault, Flaw, read_grants
from broker.domain.principal import Principal
from broker.telemetry.logs import JsonLine
from broker.telemetry.metrics import GRANTS_IGNORED

SETTINGS = Settings(database_url="sqlite://", s3_bucket="media-bucket", jwt_secret="x" * 32)
PRODUCT = ("product_image", "42")


def grant(owner: Any = "42", *actions: Any, **changes: Any) -> dict[str, Any]:
    """Return a grant with `create` unless the test names other actions; None leaves a field out."""
    entry = {
        "type": "upload",
        "profile": "product_image",
        "owner": owner,
        "actions": list(actions) or ["create"],
        **changes,
    }
    return {name: value for name, value in entry.items() if value is not None}


def principal(claim: Any, **claims: Any) -> Principal:
    """Return the caller of a token with this claim, which is sent as JSON."""
    body = {"sub": "1", "exp": int(time.time()) + 60, "authorization_details": claim, **claims}
    return principal_of(json.loads(json.dumps(body)), SETTINGS)


# The claim, and what it allows: the actions for product_image/42.
WELL_FORMED: dict[str, tuple[Any, str]] = {
    "no entries": ([], ""),
    "the claim is null": (None, ""),
    "one action": ([grant()], "create"),
    "two actions": ([grant("42", "create", "delete")], "create delete"),
    "all actions": (
        [grant("42", "create", "update", "delete", "read")],
        "create delete read update",
    ),
    "an action that is named twice": ([grant("42", "read", "read")], "read"),
    "two entries for one owner add up": ([grant(), grant("42", "read")], "create read"),
    "two entries for two owners": ([grant("43", "delete"), grant()], "create"),
    "the same entry twice": ([grant(), grant()], "create"),
    "another owner": ([grant("43")], ""),
    "an owner that contains the owner": ([grant("142"), grant("420")], ""),
    "another profile": ([grant(profile="invoice")], ""),
    "a profile that contains the profile": ([grant(profile="product_image_2")], ""),
    "a leading zero": ([grant("042")], ""),
    "two leading zeros": ([grant("0042")], ""),
    "a minus": ([grant("-42")], ""),
    "an underscore": ([grant("42_")], ""),
    "64 characters": ([grant("4" * 64)], ""),
    "another type": ([grant(type="payment_initiation")], ""),
    "another type with fields of its own": ([{"type": "account", "locations": [1]}], ""),
    "a type in capitals": ([grant(type="Upload")], ""),
    "a type with a space": ([grant(type="upload ")], ""),
    "an empty type": ([grant(type="")], ""),
    "another type beside a grant": ([{"type": "openid"}, grant()], "create"),
    "100 entries": ([grant(str(number)) for number in range(100)], "create"),
}
# The claim, the flaw of its first entry or of the whole, and what the rest allows.
MALFORMED: dict[str, tuple[Any, Flaw, str]] = {
    "an object": (grant(), Flaw.NOT_A_LIST, ""),
    "a text": (json.dumps([grant()]), Flaw.NOT_A_LIST, ""),
    "a number": (42, Flaw.NOT_A_LIST, ""),
    "true": (True, Flaw.NOT_A_LIST, ""),
    "101 entries": ([grant() for _ in range(101)], Flaw.TOO_MANY_ENTRIES, ""),
    "101 entries of another type": ([{"type": "x"}] * 100 + [grant()], Flaw.TOO_MANY_ENTRIES, ""),
    "a hundred thousand entries": ([grant()] * 100_000, Flaw.TOO_MANY_ENTRIES, ""),
    "an entry that is null": ([None, grant()], Flaw.NOT_AN_OBJECT, "create"),
    "an entry that is a text": (["upload", grant()], Flaw.NOT_AN_OBJECT, "create"),
    "an entry that is a list": ([[grant("42", "read")], grant()], Flaw.NOT_AN_OBJECT, "create"),
    "no type": ([grant("42", "read", type=None), grant()], Flaw.TYPE_INVALID, "create"),
    "a list of types": ([grant(type=["upload"])], Flaw.TYPE_INVALID, ""),
    "a further field": ([grant(locations=["https://b.example"])], Flaw.FIELD_UNKNOWN, ""),
    "a field in capitals": ([grant(None, Owner="42")], Flaw.FIELD_UNKNOWN, ""),
    "no profile": ([grant(profile=None)], Flaw.PROFILE_INVALID, ""),
    "a profile in capitals": ([grant(profile="Product_Image")], Flaw.PROFILE_INVALID, ""),
    "a wildcard for profiles": ([grant(profile="*")], Flaw.PROFILE_INVALID, ""),
    "a profile with a line break": ([grant(profile="product_image\n")], Flaw.PROFILE_INVALID, ""),
    "a profile with a Cyrillic letter": (
        [grant(profile="product_im\N{CYRILLIC SMALL LETTER A}ge")],
        Flaw.PROFILE_INVALID,
        "",
    ),
    "a list of profiles": ([grant(profile=["product_image"])], Flaw.PROFILE_INVALID, ""),
    "no owner": ([grant(None)], Flaw.OWNER_INVALID, ""),
    "an integer owner": ([grant(42)], Flaw.OWNER_INVALID, ""),
    "a fractional owner": ([grant(42.0)], Flaw.OWNER_INVALID, ""),
    "an owner of 5,000 digits": ([grant("4" * 5000)], Flaw.OWNER_INVALID, ""),
    "an owner that is true": ([grant(True)], Flaw.OWNER_INVALID, ""),
    "a list of owners": ([grant(["42"])], Flaw.OWNER_INVALID, ""),
    "an empty owner": ([grant("")], Flaw.OWNER_INVALID, ""),
    "65 characters": ([grant("4" * 65)], Flaw.OWNER_INVALID, ""),
    "a megabyte": ([grant("4" * 2**20), grant()], Flaw.OWNER_INVALID, "create"),
    "a wildcard for owners": ([grant("*")], Flaw.OWNER_INVALID, ""),
    "a pattern": ([grant("4?")], Flaw.OWNER_INVALID, ""),
    "two owners in one text": ([grant("42,43")], Flaw.OWNER_INVALID, ""),
    "a slash": ([grant("42/43")], Flaw.OWNER_INVALID, ""),
    "an encoded slash": ([grant("42%2f43")], Flaw.OWNER_INVALID, ""),
    "a parent folder": ([grant("../42")], Flaw.OWNER_INVALID, ""),
    "a space": ([grant(" 42")], Flaw.OWNER_INVALID, ""),
    "a line break": ([grant("42\n")], Flaw.OWNER_INVALID, ""),
    "a null character": ([grant("42\0")], Flaw.OWNER_INVALID, ""),
    "half of a surrogate pair": ([grant("42\ud800")], Flaw.OWNER_INVALID, ""),
    "Arabic digits": ([grant("٤٢")], Flaw.OWNER_INVALID, ""),
    "full-width digits": ([grant("４２")], Flaw.OWNER_INVALID, ""),
    "Han characters": ([grant("四十二")], Flaw.OWNER_INVALID, ""),
    "a letter with an accent": ([grant("é")], Flaw.OWNER_INVALID, ""),
    "an invisible character": ([grant("42\u200b")], Flaw.OWNER_INVALID, ""),
    "no actions": ([grant(actions=None)], Flaw.ACTIONS_INVALID, ""),
    "an empty list of actions": ([grant(actions=[])], Flaw.ACTIONS_INVALID, ""),
    "actions as a text": ([grant(actions="create")], Flaw.ACTIONS_INVALID, ""),
    "actions as an object": ([grant(actions={"create": True})], Flaw.ACTIONS_INVALID, ""),
    "a list within the actions": ([grant("42", ["create"])], Flaw.ACTIONS_INVALID, ""),
    "null within the actions": ([grant("42", "create", None)], Flaw.ACTIONS_INVALID, ""),
    "a hundred thousand actions": (
        [grant(actions=["create"] * 100_000)],
        Flaw.ACTIONS_INVALID,
        "",
    ),
    "an unknown action": ([grant("42", "publish")], Flaw.ACTION_UNKNOWN, ""),
    "an unknown action beside a known one": (
        [grant("42", "create", "publish")],
        Flaw.ACTION_UNKNOWN,
        "",
    ),
    "an action in capitals": ([grant("42", "CREATE")], Flaw.ACTION_UNKNOWN, ""),
    "a wildcard for actions": ([grant("42", "*")], Flaw.ACTION_UNKNOWN, ""),
    "two actions in one text": ([grant("42", "create,delete")], Flaw.ACTION_UNKNOWN, ""),
    "the second entry is malformed": ([grant("43"), grant(42)], Flaw.OWNER_INVALID, ""),
}


def allowed(caller: Principal, profile: str, owner: str) -> str:
    return " ".join(sorted(action for action in Action if caller.may(action, profile, owner)))


@pytest.mark.parametrize("case", WELL_FORMED)
def test_a_well_formed_claim_allows_what_it_names(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    claim, actions = WELL_FORMED[case]
    assert allowed(principal(claim), *PRODUCT) == actions
    assert read_grants(claim)[1] in ((), [])
    assert caplog.records == []


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_entry_is_void_and_the_others_count(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    claim, flaw, actions = MALFORMED[case]
    assert allowed(principal(claim), *PRODUCT) == actions
    whole = flaw in (Flaw.NOT_A_LIST, Flaw.TOO_MANY_ENTRIES)
    index = None if whole else int(case.startswith("the second"))
    assert list(read_grants(claim)[1]) == [Fault(flaw, index)]
    (record,) = caplog.records
    assert record.__dict__["grants"] == {flaw.value: [] if whole else [index]}


@pytest.mark.parametrize(
    "owner",
    ["042", "42 ", " 42", "４２", "٤٢", "42\n", "42\0", "42/43", "42%2f43", "4" * 65, "", "*"],
)
def test_a_grant_for_42_allows_nothing_for_what_resembles_42(owner: str) -> None:
    assert allowed(principal([grant()]), "product_image", owner) == ""


@pytest.mark.parametrize(
    ("granted", "asked"),
    [("ABC", "abc"), ("abc", "ABC"), ("order_7", "order-7"), ("O0", "0O"), ("l1", "I1")],
)
def test_owners_are_compared_byte_by_byte(granted: str, asked: str) -> None:
    caller = principal([grant(granted)])
    assert allowed(caller, "product_image", granted) == "create"
    assert allowed(caller, "product_image", asked) == ""


@pytest.mark.parametrize(
    "claim", [None, [], [grant("43")], [grant(42)], "everything", [grant()] * 101]
)
def test_a_service_may_do_everything_whatever_its_grants(
    claim: Any, caplog: pytest.LogCaptureFixture
) -> None:
    service = principal(claim, role="service")
    assert allowed(service, *PRODUCT) == "create delete read update"
    assert service.grants == NO_GRANTS
    assert caplog.records == []


@pytest.mark.parametrize("role", ["user", "services", ["service"], None])
def test_any_other_role_needs_grants(role: Any) -> None:
    assert allowed(principal(None, role=role), *PRODUCT) == ""
    assert allowed(principal([grant()], role=role), *PRODUCT) == "create"


def test_of_a_field_that_is_named_twice_the_last_one_counts() -> None:
    claim = json.loads(
        '[{"type": "upload", "profile": "product_image", "owner": "41", "owner": "42",'
        ' "actions": ["delete"], "actions": ["create"]}]'
    )
    assert allowed(principal(claim), *PRODUCT) == "create"
    assert allowed(principal(claim), "product_image", "41") == ""


def test_a_claim_of_many_nested_lists_is_one_malformed_entry() -> None:
    claim: list[Any] = []
    for _ in range(100_000):
        claim = [claim]
    assert read_grants(claim) == (NO_GRANTS, [Fault(Flaw.NOT_AN_OBJECT, 0)])
    assert read_grants([grant(claim)])[1] == [Fault(Flaw.OWNER_INVALID, 0)]
    assert read_grants([grant(actions=claim)])[1] == [Fault(Flaw.ACTIONS_INVALID, 0)]


def test_a_principal_knows_when_its_token_ends() -> None:
    assert principal([grant()], exp=1_900_000_000).expires_at == 1_900_000_000
    assert principal(None, exp=1_900_000_000.9).expires_at == 1_900_000_000


def test_one_log_line_names_reasons_and_indices_but_no_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = GRANTS_IGNORED.labels("owner_invalid")._value.get()
    secret = "secret-of-an-owner "
    principal([grant(secret), grant(), grant(secret), grant("42", secret), secret])
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("broker.grants", logging.WARNING)
    line = JsonLine().format(record)
    assert json.loads(line)["grants"] == {
        "owner_invalid": [0, 2],
        "action_unknown": [3],
        "not_an_object": [4],
    }
    assert "secret" not in line
    assert GRANTS_IGNORED.labels("owner_invalid")._value.get() == before + 2


def test_the_tables_have_more_than_fifty_cases_and_every_flaw() -> None:
    assert len(WELL_FORMED) + len(MALFORMED) > 50
    assert {flaw for _, flaw, _ in MALFORMED.values()} == set(Flaw)
