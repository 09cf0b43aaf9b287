"""When a process rereads the users who were erased, and whom it refuses."""

from datetime import UTC, datetime, timedelta

import pytest

from broker.api.auth.erased_users import KEPT, REREAD_SECONDS, ErasedUsers
from broker.domain.errors import DatabaseUnavailable
from broker.domain.principal import Principal

NOW = datetime.now(UTC)
OLD = Principal(user_id=1, issued_at=int(NOW.timestamp()) - 60)


class Table:
    """Counts the reads, and moves the clock."""

    def __init__(self) -> None:
        self.erased: dict[int, datetime] = {}
        self.reads: list[datetime] = []
        self.seconds = 0.0
        self.users = ErasedUsers(self.read, clock=lambda: self.seconds)

    def read(self, since: datetime) -> dict[int, datetime]:
        self.reads.append(since)
        return self.erased


def test_the_table_is_read_once_a_second_and_for_the_last_minutes_only() -> None:
    table = Table()
    for _ in range(3):
        assert not table.users.has(OLD)
    table.erased = {1: NOW}
    assert not table.users.has(OLD)
    table.seconds = REREAD_SECONDS
    assert table.users.has(OLD)
    assert len(table.reads) == 2
    assert datetime.now(UTC) - table.reads[1] - KEPT < timedelta(seconds=5)


def test_an_own_erasure_is_known_at_once_and_is_not_lost_by_a_read() -> None:
    table = Table()
    assert not table.users.has(OLD)
    table.users.add(1, datetime.now(UTC))
    assert table.users.has(OLD)
    table.seconds = 5
    assert table.users.has(OLD)


@pytest.mark.parametrize(("seconds", "refused"), [(-60, True), (0, True), (1, False), (60, False)])
def test_a_token_counts_if_it_was_issued_in_a_later_second(seconds: int, refused: bool) -> None:
    table = Table()
    erased_at = NOW.replace(microsecond=0)
    table.erased = {1: erased_at}
    caller = Principal(user_id=1, issued_at=int(erased_at.timestamp()) + seconds)
    assert table.users.has(caller) is refused
    assert table.users.has(Principal(user_id=1))
    assert not table.users.has(Principal(user_id=2))


def test_without_the_table_no_remembered_token_is_accepted() -> None:
    def read(_since: datetime) -> dict[int, datetime]:
        raise DatabaseUnavailable("The database cannot be reached; try again.")

    with pytest.raises(DatabaseUnavailable):
        ErasedUsers(read).has(OLD)
