"""`--pairs one` and `--pairs others` together run every variant of a test, and each only once."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.pairs import others


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


def test_one_variant_of_each_test_is_left() -> None:
    tests = [variants(name, more) for name in "abcdef" for more in ("put", "post")]
    left_out = others([one for test in tests for one in test])
    assert [sum(one in left_out for one in test) for test in tests] == [1] * 12
    # All tests together use both pairs.
    assert {one.nodeid.rsplit("-", 1)[1] for one in left_out} == {"seaweedfs]", "minio]"}


def test_contract_tests_slow_tests_and_all_others_are_left() -> None:
    rest: list[Any] = [
        Item("tests/http/a.py::test"),
        Item("tests/http/a.py::test[sqlite]", {"database_url": "sqlite"}),
        *[Item(f"tests/unit/a.py::test[{one}]", {"row": one}) for one in ("minio", "seaweedfs")],
        *on_databases("contract/a"),
        *on_databases("http/b", marker="matrix"),
    ]
    assert others(rest) == set()
