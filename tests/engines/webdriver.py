"""A WebDriver client: the few commands of W3C WebDriver that the WebKit engine needs."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

TIMEOUT = 60.0  # seconds for one command, such as loading a page on a busy machine
# The key of an element's id in each answer, a constant of the standard.
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
# Prompts are those of pages that ask whether to leave them.
ALWAYS = {"unhandledPromptBehavior": "accept", "timeouts": {"script": 60_000, "pageLoad": 60_000}}


class CommandFailed(Exception):
    """The browser refused a command. `code` is the error of the standard."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True)
class Session:
    """A running browser, with one window or more. Commands go to the window chosen last."""

    client: httpx.Client
    path: str

    def get(self, path: str) -> Any:
        return _value(self.client.get(self.path + path))

    def post(self, path: str, **body: Any) -> Any:
        return _value(self.client.post(self.path + path, json=body))

    def delete(self, path: str) -> Any:
        return _value(self.client.delete(self.path + path))

    def element(self, css: str) -> str:
        """Return the path of the first element that a selector finds."""
        found = self.post("/element", using="css selector", value=css)
        return f"/element/{found[ELEMENT]}"

    def press(self, keys: str) -> None:
        """Press and release keys, one after the other, in the focused element."""
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.post("/actions", actions=[{"type": "key", "id": "keyboard", "actions": steps}])


@contextlib.contextmanager
def session(driver_url: str, options: dict[str, Any]) -> Iterator[Session]:
    """Start a browser with the driver's own options, and end it."""
    with httpx.Client(base_url=driver_url, timeout=TIMEOUT, trust_env=False) as client:
        wanted = {"capabilities": {"alwaysMatch": {**ALWAYS, **options}}}
        path = f"/session/{_value(client.post('/session', json=wanted))['sessionId']}"
        try:
            yield Session(client, path)
        finally:
            # It has ended already if the last tab was closed.
            client.delete(path)


def _value(answer: httpx.Response) -> Any:
    value = answer.json()["value"]
    if answer.is_error:
        raise CommandFailed(value["error"], value["message"])
    return value
