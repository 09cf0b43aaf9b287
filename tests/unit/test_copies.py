"""Each request of a copy ends before the timeout, even on a slow disk."""

from broker.storage import copies
from broker.storage.factory import READ_TIMEOUT_SECONDS

# All copies at once, where reads and writes share one disk.
SLOW_BYTES_PER_SECOND = 60_000_000


def test_the_parts_that_are_copied_at_once_take_less_than_the_read_timeout() -> None:
    at_once = copies.PART_BYTES * copies.PARTS_AT_ONCE
    assert at_once / SLOW_BYTES_PER_SECOND < READ_TIMEOUT_SECONDS
