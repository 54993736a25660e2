"""The client: what the generator made of the documents, with errors that are typed, and asked again where that is safe.

Invariants: a mutation is sent again only with the key of its first try, so it has one effect. The cursor of a stream
moves only after the program has taken the batch, so after a cut nothing is missing and at most that batch comes twice.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

import httpx
from pydantic import BaseModel
from websockets import ConnectionClosed, WebSocketException
from websockets.asyncio.client import ClientConnection

from .api import Api, RefreshSessionInput, SignInInput, SignOutInput, Task, TaskFilter
from .api.async_base_client import Response
from .api.exceptions import GraphQLClientError, GraphQLClientGraphQLMultiError
from .errors import NotFound, RateLimited, Refused, TuttiError, Unauthenticated, Unavailable, failure_of, refusal_of
from .session import Session, Tokens

TRIES = 6
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 15.0
LONGEST_LIMIT_SECONDS = 60.0
"""A limit that lasts longer is the program's to wait for: points come back every minute."""
AWAY = (502, 503, 504)
REFUSED_CREDENTIALS = (4401, 4403)
BUGS = (4400, 4406, 4409, 4429)
EVENTS = frozenset(("TaskCreatedEvent", "TaskUpdatedEvent", "TaskRemovedEvent", "CommentEvent", "EntityEvent"))
WITHOUT_TOKEN = ("beginSession", "renewSession")
"""Operations that need none. A second try is safe: the same refresh token leads to the same successor for a while."""
MUTATION = re.compile(r"^\s*mutation\b", re.MULTILINE)


class Tutti(Api):
    """
    A connection to one server as one API token, or as a person by their session. Use it by `async with`.

    `url` is the server's, like `https://tutti.example.com`; `token` an API token, or a `Session`, which is kept alive.
    `timeout_seconds` is how long one try of a query or mutation may take. Methods raise `TuttiError`.
    """

    def __init__(self, url: str, token: str | Session, *, timeout_seconds: float = 20.0) -> None:
        endpoint = url.rstrip("/") + "/graphql"
        headers = {"accept": "application/graphql-response+json"}
        http: Any = httpx.AsyncClient(headers=headers, timeout=timeout_seconds)  # its protocol is too narrow
        super().__init__(url=endpoint, http_client=http, ws_url=re.sub("^http", "ws", endpoint))
        self._token = token
        self._renewals: set[asyncio.Task[None]] = set()

    @classmethod
    async def sign_in(
        cls,
        url: str,
        email: str,
        password: str,
        *,
        device: str | None = None,
        keep: Callable[[str], None] | None = None,
        timeout_seconds: float = 20.0,
    ) -> Tutti:
        """Begin a session of a person, named `device` among their sessions. `keep` is that of `Session`.

        Raises Refused if address or password are wrong.
        """
        session = Session("", keep=keep)
        tutti = cls(url, session, timeout_seconds=timeout_seconds)
        try:
            session.take(
                tokens_of(await tutti.begin_session(SignInInput(email=email, password=password, device=device)))
            )
        except BaseException:
            await tutti.__aexit__(None, None, None)
            raise
        return tutti

    async def sign_out(self) -> None:
        """End the session: its tokens, also those that were kept, are good for nothing from now on."""
        await self.end_session(SignOutInput())

    async def __aexit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        for renewal in self._renewals:
            renewal.cancel()
        await super().__aexit__(exc_type, exc_val, exc_tb)

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data of a query or mutation of your own. A mutation with a `clientMutationId` is safe to repeat.

        Raises TuttiError.
        """
        return self.get_data(await self.execute(document, variables=dict(variables or {})))

    async def all_tasks(self, workspace_id: str, filter_: TaskFilter | None = None) -> AsyncIterator[Task]:
        """All tasks of a workspace, read page by page. Raises NotFound if there is no such workspace for you."""
        after: str | None = None
        while True:
            page = await self.get_tasks(workspace_id, filter_=filter_, after=after)
            if page is None:
                raise NotFound([{"message": "There is no such workspace.", "code": "NOT_FOUND", "id": workspace_id}])
            for task in page.tasks.nodes:
                yield task
            if not page.tasks.page_info.has_next_page:
                return
            after = page.tasks.page_info.end_cursor

    # --- what the generated methods stand on -----------------------------------------------------------------------

    async def execute(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> Response:
        """The answer of the server, asked again while it is away or a limit is short.

        Raises Unavailable if it could not be reached, or if it is not known whether a mutation without a key was done.
        """
        keyed = with_keys(variables or {})
        is_public = operation_name in WITHOUT_TOKEN
        is_repeatable = is_public or not MUTATION.search(query) or is_keyed(keyed)
        refused: str | None = None
        for attempt in range(1, TRIES + 1):
            is_last = attempt == TRIES
            token = None if is_public else await self._access_token(refused)
            try:
                response = await super().execute(query, operation_name, keyed, **with_token(kwargs, token))
            except httpx.TransportError as lost:
                if is_last or not is_repeatable:
                    raise Unavailable(f"No answer: {lost!r}", "SERVICE_UNAVAILABLE") from lost
                wait = backoff(attempt)
            else:
                is_refused = response.status_code == httpx.codes.UNAUTHORIZED and isinstance(self._token, Session)
                if token is not None and is_refused and refused is None:
                    refused = token  # the clocks differ, or the server has another secret
                    continue
                again = wait_of(response, attempt)
                is_undone = response.status_code == httpx.codes.TOO_MANY_REQUESTS
                if again is None or is_last or not (is_repeatable or is_undone):
                    return response
                wait = again
            await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def get_data(self, response: Response) -> dict[str, Any]:
        """The data of an answer. Raises TuttiError for its errors, Refused for what a mutation refused."""
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
            message = f"The answer is none of GraphQL's (status {response.status_code})"
            raise Unavailable(message, "SERVICE_UNAVAILABLE")
        if answer.get("errors"):
            raise failure_of(answer["errors"])
        data: dict[str, Any] = answer["data"]
        for payload in data.values():
            if isinstance(payload, dict) and payload.get("userErrors"):
                raise refusal_of(payload["userErrors"])
        return readable(data)

    async def execute_ws(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """The results of a subscription; one that takes `after` goes on behind the last batch over lost connections.

        Raises TuttiError when the server ends it for good.
        """
        known = dict(variables or {})
        failures = 0
        refused: str | None = None
        while True:
            token = await self._access_token(refused)
            refused = None
            self.ws_connection_init_payload = {"authorization": f"Bearer {token}"}
            try:
                async for data in super().execute_ws(query, operation_name, known, max_size=None, **kwargs):
                    failures = 0
                    yield readable(data)
                    known.update(position_of(data))
                if "after" not in known:
                    return
                wait = backoff(1)
            except GraphQLClientGraphQLMultiError as ended:
                failure = failure_of([error.original or {"message": error.message} for error in ended.errors])
                if not isinstance(failure, Unavailable | RateLimited):
                    raise failure from None
                wait = failure.retry_after_seconds if isinstance(failure, RateLimited) else backoff(failures + 1)
            except ConnectionClosed as closed:
                if final := end_of(closed):
                    if not (isinstance(final, Unauthenticated) and isinstance(self._token, Session)):
                        raise final from closed
                    refused = token
                wait = backoff(failures + 1)
            except (OSError, TimeoutError, WebSocketException, GraphQLClientError):
                wait = backoff(failures + 1)
            failures += 1
            await asyncio.sleep(wait)

    # --- sessions --------------------------------------------------------------------------------------------------

    async def _access_token(self, instead_of: str | None = None) -> str:
        if isinstance(self._token, Session):
            return await self._token.access_token(self._exchange, instead_of)
        return self._token

    async def _exchange(self, refresh_token: str) -> Tokens:
        """Raises Unauthenticated if the session is over, and what `execute` raises."""
        try:
            return tokens_of(await self.renew_session(RefreshSessionInput(refresh_token=refresh_token)))
        except Refused as over:
            raise Unauthenticated(over.message, "UNAUTHENTICATED") from over

    async def _send_connection_init(self, websocket: ClientConnection) -> None:
        await super()._send_connection_init(websocket)
        if isinstance(self._token, Session):
            renewal = asyncio.create_task(self._keep_signed_in(websocket, self._token))
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewals.discard)

    async def _keep_signed_in(self, websocket: ClientConnection, session: Session) -> None:
        """Tell the server of each new access token, so that the connection outlives the one that it began with."""
        wait = session.seconds_left
        with suppress(ConnectionClosed, Unauthenticated):  # the stream is told of both
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(websocket.wait_closed(), wait)
                    return
                try:
                    token = await session.access_token(self._exchange)
                except TuttiError as away:
                    if isinstance(away, Unauthenticated):
                        raise
                    wait = backoff(TRIES)
                    continue
                await websocket.send(json.dumps({"type": "ping", "payload": {"authorization": f"Bearer {token}"}}))
                wait = session.seconds_left


class _Session(Protocol):
    """A payload with tokens, as the generator types it."""

    access_token: str | None
    access_token_expires_at: datetime | None
    refresh_token: str | None


def tokens_of(payload: _Session) -> Tokens:
    """The tokens of a session that was not refused."""
    access_token, refresh_token = payload.access_token, payload.refresh_token
    assert access_token is not None
    assert refresh_token is not None
    assert payload.access_token_expires_at is not None
    return Tokens(access_token, payload.access_token_expires_at, refresh_token)


def with_token(options: dict[str, Any], token: str | None) -> dict[str, Any]:
    """Options of a request, with the credentials."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return {**options, "headers": {**headers, **options.get("headers", {})}}


def with_keys(variables: dict[str, Any]) -> dict[str, Any]:
    """The variables, with a new key in each input that takes one and has none."""
    return {
        name: value.model_copy(update={"client_mutation_id": uuid4()})
        if isinstance(value, BaseModel) and getattr(value, "client_mutation_id", "none") is None
        else value
        for name, value in variables.items()
    }


def is_keyed(variables: Mapping[str, Any]) -> bool:
    """Whether sending a mutation with these variables twice has one effect."""
    inputs = [value for value in variables.values() if isinstance(value, BaseModel | dict)]
    keys = [
        one.get("clientMutationId") if isinstance(one, dict) else getattr(one, "client_mutation_id", None)
        for one in inputs
    ]
    return bool(keys) and all(keys)


def wait_of(response: Response, attempt: int) -> float | None:
    """Seconds until the same is worth asking again; None if the answer is final."""
    if response.status_code in AWAY:
        return backoff(attempt)
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        try:
            limit = failure_of(response.json()["errors"])
        except (ValueError, KeyError, TypeError):
            return backoff(attempt)  # of something in front of the server
        if isinstance(limit, RateLimited) and limit.retry_after_seconds <= LONGEST_LIMIT_SECONDS:
            return limit.retry_after_seconds
    return None


def backoff(attempt: int) -> float:
    """Seconds before the next try, more each time, and never the same for all who lost the server together."""
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 10))
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads, and keeps no secret


def end_of(closed: ConnectionClosed) -> TuttiError | None:
    """The exception for a connection that was closed for good; None: come back."""
    code = closed.rcvd.code if closed.rcvd else None
    reason = closed.rcvd.reason if closed.rcvd else ""
    if code in REFUSED_CREDENTIALS:
        return Unauthenticated(reason or "The token is not accepted", "UNAUTHENTICATED")
    return TuttiError(reason, f"CLOSED_{code}") if code in BUGS else None


def position_of(data: Mapping[str, Any]) -> dict[str, str]:
    """`after` for a subscription that is to go on behind this result, if it has a cursor."""
    cursors = [batch["cursor"] for batch in data.values() if isinstance(batch, dict) and "cursor" in batch]
    return {"after": cursors[-1]} if cursors else {}


def readable(data: dict[str, Any]) -> dict[str, Any]:
    """The same result; events of kinds that this client does not know become plain ones, with what all events have."""
    for batch in data.values():
        for event in (batch.get("events") or ()) if isinstance(batch, dict) else ():
            if event.get("__typename", "WorkspaceEvent") not in EVENTS:
                event["__typename"] = "WorkspaceEvent"
    return data
