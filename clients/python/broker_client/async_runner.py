"""Run the steps with httpx.AsyncClient."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from typing import Any, TypeVar

import httpx

from broker_client.bodies import Body
from broker_client.errors import ClientError, NetworkError
from broker_client.http import answer_of, headers_of, timeouts
from broker_client.steps import Action, Answer, Request, Run, Steps, Together, Token, Wait
from broker_client.tokens import AsyncGivenToken, Tokens, calling_function

T = TypeVar("T")


class AsyncRunner:
    """Runs steps in the event loop."""

    def __init__(
        self,
        token: AsyncGivenToken,
        transport: httpx.AsyncBaseTransport | None,
        timeout: float,
        wait: Callable[[float], Awaitable[None]],
    ) -> None:
        self._tokens = Tokens(token)
        self._token_lock = asyncio.Lock()
        self._wait = wait
        self._http = httpx.AsyncClient(timeout=timeouts(timeout), transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, steps: Steps[T]) -> T:
        """Run the steps, and return their result."""
        reply: Any = None
        error: ClientError | OSError | None = None
        try:
            while True:
                try:
                    action = steps.send(reply) if error is None else steps.throw(error)
                except StopIteration as end:
                    result: T = end.value
                    return result
                reply = error = None
                try:
                    reply = await self._do(action)
                except (ClientError, OSError) as raised:
                    error = raised
        finally:
            steps.close()

    async def _do(self, action: Action) -> Any:
        match action:
            case Request():
                return await self._ask(action)
            case Token():
                return await self._token(action)
            case Wait(seconds=seconds):
                return await self._wait(seconds)
            case Run(act=act):
                return await asyncio.to_thread(act)
            case Together(steps=steps, limit=limit):
                return await self._together(steps, limit)

    async def _ask(self, request: Request) -> Answer:
        body = request.body
        content = _stream(body) if isinstance(body, Body) else body
        try:
            response = await self._http.request(
                request.method, request.url, content=content, headers=headers_of(request)
            )
        except httpx.RequestError as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error
        return answer_of(response)

    async def _token(self, wanted: Token) -> str:
        # First without the lock, so that owners with a token do not wait for another owner's.
        if (current := self._tokens.current(wanted.owner, wanted.stale)) is not None:
            return current
        async with self._token_lock:
            if (current := self._tokens.current(wanted.owner, wanted.stale)) is not None:
                return current
            with calling_function():
                called = self._tokens.call(wanted.owner)
                fresh = await called if inspect.isawaitable(called) else called
            return self._tokens.keep(wanted.owner, fresh)

    async def _together(
        self, steps: Sequence[Generator[Action, Any, Any]], limit: int
    ) -> list[Any]:
        semaphore = asyncio.Semaphore(limit)

        async def run_one(one: Generator[Action, Any, Any]) -> Any:
            async with semaphore:
                return await self.run(one)

        tasks = [asyncio.ensure_future(run_one(one)) for one in steps]
        try:
            return await asyncio.gather(*tasks)
        finally:
            # No task may use the file after an error or after the caller was cancelled.
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _stream(body: Body) -> AsyncIterator[bytes]:
    chunks = body.chunks()
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
        body.sent(chunk)
