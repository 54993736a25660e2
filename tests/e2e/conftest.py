"""A real Chromium for tests, and pages that must neither complain nor ask any other server for anything.

With CI=true a missing browser is a failure; elsewhere those tests are reported as not run.
"""

import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from tests.e2e.documents import MANIFEST
from tests.e2e.network import NETWORKS, Network
from tests.mailbox import Mailbox
from tests.processes import SECRET, ServerProcess, assert_untroubled
from tests.stack_fixture import TestStack

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 20_000  # a small machine that runs other tests beside these is slow to draw an editor
expect.set_options(timeout=PATIENCE_MS)

MAILBOX = Mailbox(Path())
"""What the server mailed."""

OpenPage = Callable[..., Awaitable[Page]]


def installed(playwrights_own: str) -> str | None:
    """The system's Chromium, else the one that playwright downloaded, else None."""
    system = shutil.which("chromium") or shutil.which("chromium-browser")
    return system or (playwrights_own if Path(playwrights_own).is_file() else None)


@pytest.fixture(scope="session")
def server_url(stack: TestStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that knows its own address: only pages from there may call it, and invites lead there.

    It takes trusted documents only, so every test here shows as well that pages ask nothing but what `make web` told.
    """
    folder = tmp_path_factory.mktemp("browser")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    MAILBOX.folder = folder / "mail"
    with socket.socket() as held:  # until the server listens, so that nobody else is given this port meanwhile
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        settings = {
            "DATABASE_URL": stack.database_url,
            "REDIS_URL": stack.redis_url,
            "TUTTI_JWT_SECRET": SECRET,
            "TUTTI_STATE_DIR": str(folder),
            "TUTTI_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "TEST_OUTBOX": "files",
            "TUTTI_WEBHOOK_ALLOW_LOOPBACK": "on",
            "TUTTI_TRUSTED_DOCUMENTS": str(folder / "manifest.json"),
            "TUTTI_TRUSTED_DOCUMENTS_ONLY": "on",
        }
        server = ServerProcess(folder, settings, "browser", port)
        server.start()
    yield server.url
    server.stop()
    assert_untroubled(server.log.read_text())


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = installed(playwright.chromium.executable_path)
        if found is None:
            missing = "NOT RUN: no Chromium (apt-get install chromium, or: playwright install chromium)"
            if os.environ.get("CI") == "true":
                pytest.fail(missing)
            pytest.skip(missing)
        launched = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield launched
        await launched.close()


@pytest.fixture
async def open_page(browser: Browser, server_url: str) -> AsyncIterator[OpenPage]:
    """`await open_page("/path", **context_options)`: the page of a new person, who has a browser profile of their own.

    is_refused: the server will know its token no more. After the test, every page opened so must have stayed without
    errors in its console and without foreign requests.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    async def opened(path: str, network: Network | None = None, *, is_refused: bool = False, **options: object) -> Page:
        options.setdefault("service_workers", "block")  # what they answer is not seen by `page.route`
        if network:
            options["proxy"] = await network.open()
        context = await browser.new_context(base_url=server_url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        if network:
            NETWORKS[context] = network
        context.set_default_timeout(PATIENCE_MS)
        context.on("request", lambda request: foreign(request.url))
        context.on(
            "console", lambda line: complains(line, network, is_refused) and complaints.append(f"console: {line.text}")
        )
        context.on("weberror", lambda error: complaints.append(f"uncaught: {error.error}"))
        page = await context.new_page()
        await page.goto(path)
        return page

    def complains(line: ConsoleMessage, network: Network | None, is_refused: bool) -> bool:
        # Chromium itself reports each request that a test has cut off, by its network or by `route.abort()`.
        expected = ["net::ERR_" if network else "net::ERR_FAILED"] + ["status of 401"] * is_refused
        return line.type == "error" and not any(one in line.text for one in expected)

    def foreign(url: str) -> None:
        if not url.startswith((server_url, server_url.replace("http", "ws", 1), "data:", "blob:")):
            complaints.append(f"request to another server: {url}")

    yield opened
    for context in contexts:
        await context.close()
        if context in NETWORKS:
            await NETWORKS.pop(context).close()
    assert complaints == []


@pytest.fixture
def open_networked(open_page: OpenPage, server_url: str) -> OpenPage:
    """`open_page` for people each of whom is behind a network of their own, which `network_of(page)` gives."""

    async def opened(path: str, **options: object) -> Page:
        return await open_page(path, network=Network(server_url), **options)

    return opened
