"""Which browsers, and which versions of Uppy, send to which S3 servers."""

import pytest

# What Uppy sends does not depend on the server, so each version sends to one of them.
SERVER_OF_UPPY = {"v6": "seaweedfs", "v5": "minio"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out Firefox with any other server than SeaweedFS, and Uppy with other servers.

    What a browser sends does not depend on the server. Chromium sends to all of them.
    """
    left_out = [one for one in items if _is_left_out(one)]
    items[:] = [one for one in items if not _is_left_out(one)]
    config.hook.pytest_deselected(items=left_out)


def _is_left_out(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)  # of a parametrised test
    if callspec is None or "any_bucket" not in callspec.params:
        return False
    server = callspec.params["any_bucket"]
    if callspec.params.get("browser") == "firefox":
        return bool(server != "seaweedfs")
    return bool(server != SERVER_OF_UPPY.get(callspec.params.get("version"), server))
