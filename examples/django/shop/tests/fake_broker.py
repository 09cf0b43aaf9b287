"""A feed, files and erasures, in the form of the broker's answers. It checks every token."""

from unittest import mock

import httpx
from rest_framework_simplejwt.tokens import AccessToken


class Broker:
    """A feed and files, as the broker answers them."""

    def __init__(self, events=(), files=(), floor=0):
        self.events, self.files, self.floor, self.sent = list(events), list(files), floor, []

    def request(self, method, url, headers, params=None, json=None):
        claims = AccessToken(headers["Authorization"].removeprefix("Bearer "))
        self.sent.append((method, url, claims.payload))
        status, body = self.answer(method, httpx.URL(url).path, params, json)
        return httpx.Response(status, json=body, request=httpx.Request(method, url))

    def answer(self, method, path, params, body):
        if method == "DELETE":
            return 202, {"id": "e-1", "state": "deleting"}
        after = params.get("after", "")
        if path == "/api/files/":
            page = [one for one in self.files if one["image"]["id"] > int(after or 0)][:2]
            more = page and page[-1] is not self.files[-1]
            return 200, {
                "results": page,
                "next_cursor": str(page[-1]["image"]["id"]) if more else None,
            }
        last = max([self.floor, *(one["sequence"] for one in self.events)])
        if after == "latest":
            return 200, {"results": [], "next_cursor": f"e.{last}", "sequence": last}
        sequence = int(after.partition(".")[2] or 0)
        if after and sequence < self.floor:
            return 410, {"code": "cursor_expired"}
        page = [one for one in self.events if one["sequence"] > sequence][:2]
        cursor = page[-1]["sequence"] if page else sequence
        return 200, {"results": page, "next_cursor": f"e.{cursor}", "sequence": cursor}

    def __enter__(self):
        self.patch = mock.patch("httpx.request", self.request)
        self.patch.start()
        return self

    def __exit__(self, *_):
        self.patch.stop()
