"""versitygw keeps the policy of a bucket in an extended attribute, and Linux limits those to 64 KB.

File systems limit them to less: ext4 to 4 KB.
"""

import pytest

from broker.domain.storage_errors import StorageUnavailable
from broker.storage.bucket_setup.policy import EMPTY, public_read
from tests.servers.fixtures import Bucket
from tests.servers.parts import VERSITYGW
from tests.servers.reused import admin_of


@pytest.mark.parametrize("s3_bucket", [VERSITYGW], indirect=True)
def test_the_answer_to_a_policy_that_has_no_room_is_explained(s3_bucket: Bucket) -> None:
    server, aspect = s3_bucket.server, public_read(s3_bucket.settings)
    client = admin_of(server.endpoint_url, server.access_key, server.secret_key)
    (statement,) = aspect.wanted(EMPTY)["Statement"]
    too_long = {**EMPTY, "Statement": [statement] * 500}
    with pytest.raises(StorageUnavailable) as raised:
        aspect.write(client, s3_bucket.name, too_long)
    assert "bytes: 500 InternalError" in raised.value.detail
