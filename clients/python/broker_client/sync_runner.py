"""Run the steps with httpx.Client."""

import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx

from broker_client.bodies import Body
from broker_client.errors import ClientError, NetworkError
from broker_client.http import answer_of, headers_of, timeouts
from broker_client.steps import Action, Answer, Request, Run, Steps, Together, Token, Wait
from broker_client.threads import Stop, Stopped, together
from broker_client.tokens import GivenToken, Tokens, calling_function

T = TypeVar("T")


class Runner:
    """Runs steps. Many threads may use one Runner."""

    def __init__(
        self,
        token: GivenToken,
        transport: httpx.BaseTransport | None,
        timeout: float,
        wait: Callable[[float], None],
    ) -> None:
        self._tokens = Tokens(token)
        self._token_lock = threading.Lock()
        self._wait = wait
        # Do not follow redirects and set no default headers, so that a token or a digest is sent
        # only to the server in the request's URL.
        self._http = httpx.Client(timeout=timeouts(timeout), transport=transport)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, steps: Steps[T], stopped: Stopped = lambda: False) -> T:
        """Run the steps, and return their result."""
        reply: Any = None
        error: ClientError | OSError | None = None
        try:
            while not stopped():
                try:
                    action = steps.send(reply) if error is None else steps.throw(error)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = error = None
                try:
                    reply = self._do(action, stopped)
                except (ClientError, OSError) as raised:
                    error = raised
            raise Stop
        finally:
            steps.close()

    def _do(self, action: Action, stopped: Stopped) -> Any:
        match action:
            case Request():
                return self._ask(action, stopped)
            case Token():
                return self._token(action)
            case Wait(seconds=seconds):
                return self._wait(seconds)
            case Run(act=act):
                return act()
            case Together(steps=steps, limit=limit):
                return together(self.run, steps, limit, stopped)

    def _ask(self, request: Request, stopped: Stopped) -> Answer:
        body = request.body
        content = _stream(body, stopped) if isinstance(body, Body) else body
        try:
            response = self._http.request(
                request.method, request.url, content=content, headers=headers_of(request)
            )
        except httpx.RequestError as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error
        return answer_of(response)

    def _token(self, wanted: Token) -> str:
        # First without the lock, so that owners with a token do not wait for another owner's.
        if (current := self._tokens.current(wanted.owner, wanted.stale)) is not None:
            return current
        with self._token_lock:
            if (current := self._tokens.current(wanted.owner, wanted.stale)) is not None:
                return current
            with calling_function():
                fresh: Any = self._tokens.call(wanted.owner)
            return self._tokens.keep(wanted.owner, fresh)


def _stream(body: Body, stopped: Stopped) -> Iterator[bytes]:
    for chunk in body.chunks():
        if stopped():
            raise Stop
        yield chunk
        body.sent(chunk)
