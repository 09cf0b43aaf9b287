"""Together the runs of `--choose` run every test, and every function on each Python."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.chosen import chosen


@dataclass(eq=False)
class Item:
    """What the choice reads of a collected test."""

    nodeid: str
    params: dict[str, str] = field(default_factory=dict)
    marker: str | None = None

    @property
    def callspec(self) -> Any:
        return SimpleNamespace(params=self.params) if self.params else None

    def get_closest_marker(self, _name: str) -> str | None:
        return self.marker


ONE, OTHERS, FUNCTIONS = ["one-variant"], ["other-variants"], ["each-function"]


def variants(name: str, more: str) -> list[Any]:
    return [
        Item(f"tests/http/{name}.py::test[{more}-{pair}]", {"database_url": pair})
        for pair in ("sqlite-seaweedfs", "postgresql-minio")
    ]


def on_databases(name: str, **more: str) -> list[Any]:
    return [
        Item(f"tests/{name}.py::test[{one}]", {"database_url": one}, **more)
        for one in ("sqlite", "postgresql")
    ]


def rows(name: str, *ids: str) -> list[Any]:
    return [Item(f"tests/{name}.py::test[{one}]", {"row": one}) for one in ids]


def test_one_variant_of_each_test_is_chosen() -> None:
    tests = [variants(name, more) for name in "abcdef" for more in ("put", "post")]
    found = chosen([one for test in tests for one in test], ONE)
    assert [sum(one in found for one in test) for test in tests] == [1] * 12
    # All tests together use both pairs.
    assert {one.nodeid.rsplit("-", 1)[1] for one in found} == {"seaweedfs]", "minio]"}


def test_contract_tests_slow_tests_and_all_others_are_chosen() -> None:
    rest: list[Any] = [
        Item("tests/http/a.py::test"),
        Item("tests/http/a.py::test[sqlite]", {"database_url": "sqlite"}),
        *rows("unit/a", "minio", "seaweedfs"),
        *on_databases("contract/a"),
        *on_databases("http/b", marker="matrix"),
    ]
    assert chosen(rest, ONE) == set(rest)


def test_the_other_variants_are_all_that_the_first_choice_lacks() -> None:
    items = [one for name in "abcdef" for one in variants(name, "put")] + rows("unit/a", "1", "2")
    assert chosen(items, OTHERS) == set(items) - chosen(items, ONE)


def test_of_each_function_of_http_and_contract_tests_one_case_is_chosen() -> None:
    tests = [
        [Item("tests/http/a.py::test")],
        variants("b", "put") + variants("b", "post"),
        rows("http/c", "1", "2", "3"),
        on_databases("contract/a"),
        rows("contract/b", "1", "2"),
    ]
    found = chosen([one for test in tests for one in test], FUNCTIONS)
    assert [sum(one in found for one in test) for test in tests] == [1, 1, 1, 1, 1]


def test_of_unit_tests_each_row_is_chosen() -> None:
    units = rows("unit/a", "minio", "seaweedfs")
    assert chosen(units, FUNCTIONS) == set(units)


def test_a_function_with_another_variant_needs_no_further_case() -> None:
    paired, single = variants("a", "put") + variants("a", "post"), rows("http/b", "1", "2")
    found = chosen(paired + single, OTHERS + FUNCTIONS)
    assert found & set(paired) == chosen(paired, OTHERS)
    assert len(found & set(single)) == 1
