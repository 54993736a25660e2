"""`tutti serve`: embedded servers where none are named, migrations, the first demo data, then the server itself.

Invariant: whatever was started is stopped again, in reverse order, however serving ends: the processes that answer
requests before the embedded servers they write to.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from db.migrations import upgrade
from server import logs
from server.backends import backends
from server.background import jobs_process
from server.door import HttpProtocol
from server.draining import Server
from server.seed import DemoAccount, seed
from server.settings import Settings, in_url, reachable
from server.stopping import Stopped, StopSignals
from server.wire import SocketProtocol
from server.workers import Workers

Say = Callable[[str], None]

# For the answers that are still under way when all sockets are closed: as long as a resolver may take, and a little.
GRACEFUL_SECONDS = 12
# Longer than clients and proxies keep a connection that rests: else it is closed just as somebody asks over it.
KEEP_ALIVE_SECONDS = 75
READY_SECONDS = 60
# The processes of a server that was just killed take a moment to let go of the port.
PORT_PATIENCE_SECONDS = 1.0


class PortTaken(Exception):
    """The address to serve on cannot be had; the message says what to change."""


def serve(settings: Settings, stop: StopSignals, say: Say) -> int:
    """Serve until SIGINT or SIGTERM and return the exit code; `say` gets each line of progress.

    Raises PortTaken, StackError, DatabaseProblem or RedisProblem before anything is served.
    """
    began = time.monotonic()

    def step(line: str) -> None:
        say(line)
        stop.check()

    try:
        with listening_socket(settings) as listener:
            if settings.port == 0:
                os.environ["TUTTI_PORT"] = str(listener.getsockname()[1])
                settings = Settings.from_environment()
            with backends(settings, step, may_join=False) as complete:
                account = prepare(complete, step, is_seeding=settings.database_url is None)
                export(complete)
                threading.Thread(target=announce, args=(complete, account, began, say), daemon=True).start()
                with jobs_process():
                    stop.check()
                    code = run(complete, listener, stop)
    except Stopped:
        code = 0
    say("Stopped")
    return code


def listening_socket(settings: Settings) -> socket.socket:
    """Take the port before anything else is started. Raises PortTaken if it cannot be had."""
    where = f"port {settings.port} of {settings.host}"
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.set_inheritable(True)
    deadline = time.monotonic() + PORT_PATIENCE_SECONDS
    try:
        while True:
            try:
                listener.bind((settings.host, settings.port))
                return listener
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
    except PermissionError as error:
        listener.close()
        raise PortTaken(f"{where} is for the administrator only; choose one above 1023 with TUTTI_PORT") from error
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise PortTaken(
                f"{settings.host} is no address of this machine; set TUTTI_HOST to one, like 127.0.0.1 or 0.0.0.0"
            ) from error
        raise PortTaken(
            f"{where} cannot be had ({error.strerror}). Stop what uses it (make doctor tells whether that is Tutti), "
            f"or choose another: TUTTI_PORT={settings.port + 1 if settings.port < 65535 else 8000} make serve"
        ) from error


def prepare(settings: Settings, say: Say, *, is_seeding: bool) -> DemoAccount | None:
    """Migrate the database; on the first start of an embedded one also seed it and return the demo account."""
    assert settings.database_url is not None
    began = time.monotonic()
    upgrade(settings.database_url)
    say(f"Migrations applied ({time.monotonic() - began:.1f} s)")
    if not is_seeding or settings.env == "production":
        return None
    began = time.monotonic()
    account = asyncio.run(seed(settings))
    if account is not None:
        say(f"Demo workspace made ({time.monotonic() - began:.1f} s)")
    return account


def export(settings: Settings) -> None:
    """Put into the environment what was found out, for the processes that answer requests."""
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["REDIS_URL"] = settings.redis_url or ""
    os.environ["TUTTI_JWT_SECRET"] = ",".join(settings.jwt_secrets)
    os.environ["TUTTI_STATE_DIR"] = str(settings.state_dir)


def speaking(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    """How an application is served, by whoever serves it: our protocols, their limits."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=settings.limits.max_frame_bytes,
        ws_ping_interval=None,  # its timeout closes with 1011, which clients take for final; we have a heartbeat
        ws_per_message_deflate=False,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        **more,
    )


def run(settings: Settings, listener: socket.socket, stop: StopSignals) -> int:
    """Answer requests until a signal ends it, in this process or in TUTTI_WORKERS others; return the exit code."""
    config = speaking(
        "server.serve:application",
        settings,
        factory=True,
        workers=settings.workers,
        lifespan="on",
        log_config=logs.CONFIGURATION,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    if settings.workers > 1:
        workers = Workers(config, listener)
        stop.pass_on(workers.handle_exit)
        return workers.run()
    server = Server(config)
    stop.pass_on(server.handle_exit)
    server.run([listener])
    return 0 if server.started else 1


def application() -> ASGIApp:
    """Make the application in the process that answers."""
    gc.disable()  # until it starts, which takes stock of what stays
    from server.app import app_from_environment

    return app_from_environment()


def announce(settings: Settings, account: DemoAccount | None, began: float, say: Say) -> None:
    """Wait until the server answers, then tell where it is and, after the first start, whom to sign in as."""
    local = f"http://{in_url(reachable(settings.host))}:{settings.port}"
    while not is_ready(local):
        if time.monotonic() - began > READY_SECONDS:
            say(f"The server is not ready after {READY_SECONDS} s; {local}/readyz says why")
            return
        time.sleep(0.05)
    say(f"Ready ({time.monotonic() - began:.1f} s since the start)")
    say("")
    if settings.has_web:
        say(f"  Web client  {settings.public_url}/")
        say(f"  GraphiQL    {settings.public_url}/graphql")
    say(f"  API         {settings.public_url}/graphql, subscriptions at the same address by graphql-transport-ws")
    if not settings.has_web:
        say(f"  No pages    as TUTTI_WEB=off; mails and invites lead to pages of yours at {settings.public_url}")
    if account is not None:
        say("")
        say("  A demo workspace is ready. Sign in with:")
        say(f"  E-mail      {account.email}")
        say(f"  Password    {account.password}")
    say("")
    say("Ctrl-C stops everything; the data stays.")


def is_ready(base_url: str) -> bool:
    """Tell whether the server there says that it can do its work."""
    try:
        with urllib.request.urlopen(f"{base_url}/readyz", timeout=2) as response:  # noqa: S310 (an http:// of ours)
            return bool(response.status == 200)
    except OSError:
        return False
