"""An httpx transport that injects faults: a test sees each request and may answer it itself."""

from collections.abc import Callable

import httpx

Before = Callable[[httpx.Request], httpx.Response | None]
After = Callable[[httpx.Request, httpx.Response], None]


def is_for_s3(request: httpx.Request) -> bool:
    """Check whether a request goes to the bucket and not to the broker."""
    return not request.url.path.startswith("/api/")


class FaultTransport(httpx.BaseTransport):
    """httpx's own transport. `before` may answer or raise, `after` may lose the answer."""

    def __init__(
        self, before: Before = lambda _: None, after: After = lambda _request, _response: None
    ) -> None:
        self.requests: list[httpx.Request] = []
        self._real = httpx.HTTPTransport(verify=False)
        self._before = before
        self._after = after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._before(request)
        if answer is None:
            answer = self._real.handle_request(request)
            answer.read()
            self._after(request, answer)
        return answer

    def paths(self, ending: str) -> list[str]:
        return [r.url.path for r in self.requests if r.url.path.endswith(ending)]

    def close(self) -> None:
        self._real.close()


def first(count: int, act: Callable[[httpx.Request], httpx.Response | None]) -> Before:
    """Call `act` for the first requests to the bucket only."""
    left = [count]

    def before(request: httpx.Request) -> httpx.Response | None:
        if is_for_s3(request) and left[0]:
            left[0] -= 1
            return act(request)
        return None

    return before
