"""The reader of grants, on generated claims: near to well-formed ones, and any JSON."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.domain.grants import ENTRIES_MAX, TYPE, Action, Flaw, read_grants
from tests.fuzz import repeatable

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
ACTIONS = st.lists(st.sampled_from([*Action, "publish"]) | JSON, max_size=5)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([TYPE, TYPE, TYPE, "Upload", "x"]) | JSON,
        "profile": st.sampled_from(["product_image", "invoice", "*"]) | JSON,
        "owner": st.sampled_from(["42", "042", "4/2", "*"]) | JSON,
        "actions": ACTIONS | JSON,
        "locations": JSON,
    },
)
WELL_FORMED = st.fixed_dictionaries(
    {
        "type": st.just(TYPE),
        "profile": st.sampled_from(["product_image", "invoice"]),
        "owner": st.sampled_from(["42", "042"]),
        "actions": st.lists(st.sampled_from([*Action]).map(str), min_size=1, max_size=4),
    }
)


@repeatable(60)
@given(JSON | st.lists(JSON | ENTRIES | WELL_FORMED, max_size=ENTRIES_MAX + 5))
def test_no_claim_crashes_and_every_grant_is_in_one_of_its_entries(claim: Any) -> None:
    grants, faults = read_grants(claim)
    for (profile, owner), actions in grants.actions.items():
        sources = [
            entry["actions"]
            for entry in claim
            if isinstance(entry, dict)
            and (entry.get("type"), entry.get("profile"), entry.get("owner"))
            == (TYPE, profile, owner)
            and set(entry) == {"type", "profile", "owner", "actions"}
        ]
        assert all(any(action in source for source in sources) for action in actions)
        assert type(owner) is type(profile) is str
    assert len(faults) <= ENTRIES_MAX


@repeatable(40)
@given(st.lists(WELL_FORMED, max_size=10), st.lists(ENTRIES | JSON, max_size=10))
def test_malformed_entries_change_nothing_of_the_others(
    well_formed: list[dict[str, Any]], others: list[Any]
) -> None:
    faulty = [entry for entry in others if read_grants([entry])[1]]
    grants, faults = read_grants([*faulty, *well_formed])
    assert grants == read_grants(well_formed)[0]
    assert [fault.index for fault in faults] == list(range(len(faulty)))
    assert not {fault.flaw for fault in faults} & {Flaw.NOT_A_LIST, Flaw.TOO_MANY_ENTRIES}
