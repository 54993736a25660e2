"""One server process: its parts, started and stopped in order, and its routes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from db.errors import Unavailable
from db.notifications import heads_by_user_ids
from db.session import Database
from db.unit_of_work import Writer
from domain.attempts import Limits as AttemptLimits
from domain.passwords import Passwords
from domain.presence import read_attendees
from domain.sessions import Desk
from domain.unsubscribing import unsubscribe
from execution.persisted import Persisted
from realtime.process import Realtime
from resolvers import schema, sdl
from schema.notifications import MAX_NEWS
from server import garbage
from server.context import Application
from server.draining import SOCKETS
from server.http import graphql_router
from server.metrics import Metrics
from server.news import Newsroom
from server.pages import BUNDLE, add_not_found_page, graphiql_page, page_documents, page_routes
from server.settings import Settings
from server.sockets import Sockets
from server.team import Team
from server.tokens import AccessTokens, SessionCheck, TokenCheck, mail_keys, refresh_keys

REVOCATION_POLL_SECONDS = 0.5
"""How often the sessions of open sockets are looked up: a revoked one ends within a second."""

DATABASE_LOOK_SECONDS = 1.0
CUT_OFF_SECONDS = 10.0
"""How long sockets stay on a process that PostgreSQL does not answer: a restart is shorter."""
CUT_OFF_SPREAD_SECONDS = 2.0

log = logging.getLogger("tutti.server")


class _App(FastAPI):
    """Leads sockets past the framework, whose layers have nothing to say to them and cost a third of a connection."""

    sockets: dict[str, ASGIApp]
    """path -> what serves it"""

    entrance: ASGIApp | None = None
    """What every request passes first."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (self.entrance or self.lead)(scope, receive, send)

    async def lead(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] in self.sockets:
            await self.sockets[scope["path"]](scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def app_from_environment() -> FastAPI:
    """The application of a worker process, by the settings of its environment."""
    return create_app(Settings.from_environment())


def create_app(
    settings: Settings, *, attempt_limits: AttemptLimits | None = None, passwords: Passwords | None = None
) -> FastAPI:
    """The application. Both URLs and a signing secret must be set; nothing is opened before it starts."""
    assert settings.database_url is not None
    assert settings.redis_url is not None
    database = Database(settings.database_url)
    realtime = Realtime(settings.redis_url, database, read_attendees, heads_by_user_ids)
    writer = Writer(database, realtime.announce, realtime.announce_heads)
    keys = refresh_keys(settings.jwt_secrets)
    desk = Desk(database, writer, passwords or Passwords(), keys, attempt_limits or AttemptLimits())
    sessions, api_tokens = SessionCheck(database), TokenCheck(database)
    application = Application(
        database,
        writer,
        realtime,
        desk,
        AccessTokens(settings.jwt_secrets),
        sessions,
        api_tokens,
        settings.public_url,
        Newsroom(database, MAX_NEWS),
        settings.limits,
        settings.webhook_rules,
    )
    sockets = Sockets()
    token = settings.metrics_token
    metrics = Metrics(Team.from_environment(), database, realtime, sockets, token) if token else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        garbage.begin()
        realtime.run()
        watching = [
            asyncio.create_task(_watch_sessions(sessions, api_tokens, sockets)),
            asyncio.create_task(_watch_database(database, sockets)),
            asyncio.create_task(sockets.tally.watch_loop()),
            asyncio.create_task(garbage.watch(lambda: sockets.tally.sockets)),
        ]
        try:
            async with metrics.told() if metrics is not None else nullcontext():
                yield {SOCKETS: sockets}
        finally:
            for watch in watching:
                watch.cancel()
            await sockets.close_all(1012, 0)
            await realtime.close()
            await database.close()
            desk.passwords.close()

    app = _App(title="Tutti", lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None)
    bundle = BUNDLE if settings.has_web else None
    trusted = page_documents(bundle) | dict(settings.trusted_documents)
    graphql = graphql_router(
        schema,
        application,
        sockets,
        settings.limits,
        settings.allowed_origins,
        settings.public_url,
        graphiql_page(bundle if settings.has_graphiql else None, "TUTTI_GRAPHIQL" if bundle else "TUTTI_WEB"),
        is_introspection_allowed=settings.has_introspection,
        persisted=Persisted(realtime.shelf, trusted),
        trusted=frozenset(trusted.values()) if settings.trusts_only else None,
    )
    if settings.trusted_proxies:
        # Attempts are limited by address, and all that come through a proxy have the proxy's.
        app.entrance = cast("ASGIApp", ProxyHeadersMiddleware(cast("Any", app.lead), list(settings.trusted_proxies)))
    app.include_router(graphql)
    app.sockets = {route.path: route.app for route in graphql.routes if isinstance(route, WebSocketRoute)}
    app.include_router(page_routes(bundle, sdl() if settings.has_introspection else None))
    add_not_found_page(app, bundle)

    async def unsubscribing(request: Request) -> Response:
        """One click of a mail program (RFC 8058), or of our page: no person is signed in, and nothing else is asked."""
        is_ours = await unsubscribe(database, mail_keys(settings.jwt_secrets), request.query_params.get("token", ""))
        return PlainTextResponse("done" if is_ours else "This link is not whole.", status_code=200 if is_ours else 400)

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        return await _readiness(database, realtime, sockets)

    app.add_route("/unsubscribe", unsubscribing, methods=["POST"])
    if metrics is not None:
        app.add_route("/metrics", metrics.respond)
    app.add_route("/healthz", healthz)
    app.add_route("/readyz", readyz)
    return app


async def _watch_sessions(sessions: SessionCheck, api_tokens: TokenCheck, sockets: Sockets) -> None:
    """Close the sockets of sessions and API tokens that were revoked, by whichever process."""
    while True:
        await asyncio.sleep(REVOCATION_POLL_SECONDS)
        try:
            session_ids, token_ids = sockets.session_ids(), sockets.token_ids()
            if session_ids:
                sockets.close_sessions(await sessions.ended(session_ids))
            if token_ids:
                sockets.close_tokens(await api_tokens.ended(token_ids))
        except Unavailable:
            continue  # the sockets stay: nobody can revoke a session now
        except Exception:
            log.exception("The sessions of open sockets could not be looked up")


async def _watch_database(database: Database, sockets: Sockets) -> None:
    """Send everybody away when this process has been cut off: another one may have what they wait for."""
    now = asyncio.get_running_loop().time
    answered_at = now()
    while True:
        await asyncio.sleep(DATABASE_LOOK_SECONDS)
        try:
            await database.ping()
            answered_at = now()
        except Unavailable:
            if now() - answered_at > CUT_OFF_SECONDS and sockets.count:
                log.warning("PostgreSQL has not answered for %.0f s; sockets are sent away", now() - answered_at)
                await sockets.send_away(
                    1013, "The server lost its database; reconnect and resume from your cursor", CUT_OFF_SPREAD_SECONDS
                )
        except Exception:
            log.exception("Whether PostgreSQL answers could not be looked up")


async def _readiness(database: Database, realtime: Realtime, sockets: Sockets) -> Response:
    """Ready means: PostgreSQL answers, and the process is not about to stop. Without Redis all goes on, later."""
    problems = ["draining"] if sockets.is_draining else []
    try:
        await database.ping()
    except Unavailable:
        problems.append("PostgreSQL does not answer")
    state = {"ready": not problems, "problems": problems, "redis": "ok" if realtime.is_healthy else "away"}
    return JSONResponse(state, status_code=503 if problems else 200)
