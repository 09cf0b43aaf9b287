"""A bucket with private files for each attack on them. Its users are kept for the next test."""

import functools
from collections.abc import Callable, Iterator

import pytest
import urllib3

from tests.attacks.private_files import Shop, shop
from tests.servers import S3Server
from tests.servers.bucket_state import BucketState
from tests.servers.fixtures import Bucket, make_bucket
from tests.servers.reused import Lent, admin_of, emptied_bucket

Shops = Callable[[S3Server], Lent[Shop]]


@pytest.fixture(scope="session")
def shops() -> Shops:
    """Return a function that returns a server's reusable shops.

    A new one takes a third of a second: its users, their policies and its clients.
    """

    @functools.cache
    def of(server: S3Server) -> Lent[Shop]:
        client = admin_of(server.endpoint_url, server.access_key, server.secret_key)
        pool = urllib3.PoolManager()
        states: dict[str, tuple[BucketState, list[bytes]]] = {}

        def make() -> Shop:
            with pytest.MonkeyPatch.context() as patch:
                made = shop(make_bucket(server, patch))
            # After the users: on Ceph, the bucket's policy names them.
            state = BucketState(client, pool, made.bucket.name)
            states[made.bucket.name] = state, state.configuration()
            return made

        def emptied(one: Shop) -> bool:
            if not emptied_bucket(client, one.bucket.name, *states[one.bucket.name]):
                return False
            one.fill()
            return True

        return Lent(make, emptied)

    return of


@pytest.fixture
def attacked(any_bucket: Bucket, shops: Shops) -> Iterator[Shop]:
    """Yield a shop on the server of `any_bucket`, with the files of several owners."""
    with shops(any_bucket.server).one() as found:
        yield found
