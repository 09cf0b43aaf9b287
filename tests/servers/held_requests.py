"""Requests from a browser to its servers that are held back."""

import re

from playwright.sync_api import Page, Route

PART_3 = re.compile(r"[?&]partNumber=3(&|$)")


class HeldRequests:
    """Holds back a page's requests to some URLs until they are released.

    `page.unroute_all()` lets requests go too, but Playwright then waits for their handlers for
    ever, and complains in a later test when the garbage collector finds them.

    Args:
        page: the page.
        url: a pattern as in `page.route`.
        method: requests with another method are sent.
        after: as many requests with this method are sent first.
    """

    def __init__(
        self, page: Page, url: str | re.Pattern[str], method: str | None = None, *, after: int = 0
    ) -> None:
        self._page = page
        self._url = url
        self._method = method
        self._after = after
        self._routes: list[Route] = []
        page.route(url, self._hold)

    def __len__(self) -> int:
        """Return the number of requests that are held back."""
        return len(self._routes)

    def release(self) -> None:
        """Send what is held back, and hold back no more."""
        self._send()
        self._page.unroute(self._url, self._hold)
        # What came while the others were sent.
        self._send()

    def abort(self) -> None:
        """Cut the connections of what is held back, and hold back no more."""
        while self._routes:
            self._routes.pop(0).abort()
        self._page.unroute(self._url, self._hold)

    def _hold(self, route: Route) -> None:
        if self._method not in (None, route.request.method):
            route.continue_()
        elif self._after:
            self._after -= 1
            route.continue_()
        else:
            self._routes.append(route)

    def _send(self) -> None:
        while self._routes:
            self._routes.pop(0).continue_()


def hold_back_a_part(page: Page) -> HeldRequests:
    """Hold back part 3, so that an upload in parts does not end."""
    return HeldRequests(page, PART_3)
