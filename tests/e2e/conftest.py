"""Which browsers send to which S3 servers."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out Firefox with any other server than SeaweedFS.

    What a browser sends does not depend on the server. Chromium sends to all of them.
    """
    left_out = [one for one in items if _is_left_out(one)]
    items[:] = [one for one in items if not _is_left_out(one)]
    config.hook.pytest_deselected(items=left_out)


def _is_left_out(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)  # of a parametrised test
    if callspec is None or callspec.params.get("browser") != "firefox":
        return False
    return callspec.params.get("any_bucket", "seaweedfs") != "seaweedfs"
