"""What a browser and a program get from the static addresses, over real HTTP semantics through the ASGI app."""

import gzip
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from graphql import build_schema, parse, validate
from starlette.requests import Request
from starlette.responses import Response

from server.pages import CLIENT_ADDRESSES, add_not_found_page, graphiql_page, page_routes

ROOT = Path(__file__).resolve().parents[2]
BROWSER = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
SDL = "type Query { viewer: String }"
SCRIPT = "export const long = 1;\n" * 200


def client_of(bundle: Path | None) -> httpx.AsyncClient:
    app = FastAPI(openapi_url=None)
    app.include_router(page_routes(bundle, SDL))
    page = graphiql_page(bundle)

    async def graphql(request: Request) -> Response:
        return page(request)

    app.add_route("/graphql", graphql)
    add_not_found_page(app, bundle)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://tutti.test")


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "assets").mkdir()
    for name in ("index", "join", "reset", "verify", "unsubscribe", "graphiql", "not-found"):
        (tmp_path / f"{name}.html").write_text(f"<!doctype html><title>{name}</title>")
    (tmp_path / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "sw.js").write_text("const FILES = [];")
    (tmp_path / "secret.txt").write_text("outside of assets")
    (tmp_path / "assets/main-abc.js").write_text(SCRIPT)
    (tmp_path / "assets/main-abc.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (tmp_path / "assets/icons-abc.ttf").write_bytes(b"\0\1\0\0")
    (tmp_path / "assets/data-abc.unheardof").write_bytes(b"?")
    async with client_of(tmp_path) as client:
        yield client


@pytest.fixture
async def unbuilt(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(tmp_path / "dist") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "index"),
        ("/w/acme/board", "index"),
        ("/join", "join"),
        ("/reset", "reset"),
        ("/verify", "verify"),
        ("/unsubscribe", "unsubscribe"),
        ("/graphql", "graphiql"),
    ],
)
async def test_each_page_is_served_and_never_taken_from_a_cache_unasked(
    pages: httpx.AsyncClient, path: str, title: str
) -> None:
    answer = await pages.get(path, headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert f"<title>{title}</title>" in answer.text
    head = await pages.head(path, headers=BROWSER)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/join",
        "/reset",
        "/verify",
        "/graphql",
        "/favicon.svg",
        "/sw.js",
        "/schema.graphql",
        "/nowhere",
        "/assets/main-abc.js",
    ],
)
async def test_every_answer_forbids_inline_script_foreign_sources_frames_and_sniffing(
    pages: httpx.AsyncClient, path: str
) -> None:
    headers = (await pages.get(path, headers=BROWSER)).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self'"
    assert policy["worker-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert ("'unsafe-inline'" in policy["style-src"]) == (path == "/graphql")


async def test_assets_have_their_own_type_and_are_kept_for_ever(pages: httpx.AsyncClient) -> None:
    script = await pages.get("/assets/main-abc.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await pages.get("/assets/icons-abc.ttf")).headers["content-type"] == "font/ttf"
    assert (await pages.get("/assets/data-abc.unheardof")).headers["content-type"] == "application/octet-stream"
    assert (await pages.get("/favicon.ico")).headers["content-type"] == "image/svg+xml"


async def test_what_works_without_a_connection_is_asked_for_at_each_visit(pages: httpx.AsyncClient) -> None:
    script = await pages.get("/sw.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "no-cache"


def test_without_a_connection_the_client_shows_its_own_addresses_and_no_others() -> None:
    found = re.search(r"const CLIENT = /(.*)/;", (ROOT / "web/public/sw.js").read_text())
    assert found
    client = re.compile(found[1])
    own = [address.replace("{rest:path}", "a/b") for address in CLIENT_ADDRESSES]
    assert [path for path in own if not client.search(path)] == []
    others = (
        "/join",
        "/reset",
        "/verify",
        "/unsubscribe",
        "/graphql",
        "/schema.graphql",
        "/assets/a.js",
        "/inbox/a",
        "/w",
    )
    assert [path for path in others if client.search(path)] == []


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [("gzip, br", True), ("br, *", True), ("gzip;q=0.5", True), ("gzip; q=0", False), ("identity", False), ("", False)],
)
async def test_the_compressed_copy_goes_to_whoever_takes_it(
    pages: httpx.AsyncClient, accepted: str, is_compressed: bool
) -> None:
    answer = await pages.get("/assets/main-abc.js", headers={"accept-encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") == is_compressed
    assert answer.text == SCRIPT
    assert "accept-encoding" in answer.headers["vary"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js",
        "/assets/%2e%2e%2fsecret.txt",
        "/assets/main-abc.js.gz",
        "/assets/",
        "/assets",
    ],
)
async def test_nothing_but_the_assets_themselves_can_be_read(pages: httpx.AsyncClient, path: str) -> None:
    assert (await pages.get(path)).status_code in {404, 307}
    assert "outside" not in (await pages.get(path, follow_redirects=True)).text


async def test_the_schema_is_served_as_text(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/schema.graphql")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == SDL


async def test_an_unknown_address_is_a_page_for_browsers_and_json_for_programs(pages: httpx.AsyncClient) -> None:
    page = await pages.get("/nowhere", headers=BROWSER)
    assert (page.status_code, "<title>not-found</title>" in page.text) == (404, True)
    for answer in [await pages.get("/nowhere"), await pages.post("/nowhere", headers=BROWSER)]:
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/", "/join", "/reset", "/verify", "/unsubscribe", "/graphql"])
async def test_without_built_pages_the_answer_says_how_to_build_them(unbuilt: httpx.AsyncClient, path: str) -> None:
    page = await unbuilt.get(path, headers=BROWSER)
    assert page.status_code == 503
    assert page.headers["content-type"].startswith("text/html")
    assert "make web" in page.text
    program = await unbuilt.get(path)
    assert program.status_code == 503
    assert "make web" in program.json()["detail"]


async def test_without_built_pages_other_addresses_still_answer(unbuilt: httpx.AsyncClient) -> None:
    assert (await unbuilt.get("/schema.graphql")).text == SDL
    assert (await unbuilt.get("/favicon.ico")).status_code == 404
    assert (await unbuilt.get("/nowhere", headers=BROWSER)).json() == {"detail": "Not Found"}


@pytest.mark.parametrize(
    "document",
    sorted((ROOT / "web/src/graphiql/tutorial").glob("*.graphql")),
    ids=lambda document: document.stem,
)
def test_the_tour_in_graphiql_is_valid_against_the_schema(document: Path) -> None:
    schema = build_schema((ROOT / "graphql-schema.graphql").read_text())
    assert validate(schema, parse(document.read_text())) == []


async def test_without_pages_only_the_schema_is_there() -> None:
    async with client_of(None) as api:
        assert (await api.get("/schema.graphql")).text == SDL
        for path in ("/", "/account", "/w/acme/board", "/join", "/reset", "/sw.js", "/assets/main.js", "/graphql"):
            answer = await api.get(path, headers=BROWSER)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
        assert "TUTTI_WEB" in (await api.get("/graphql", headers=BROWSER)).json()["detail"]


@pytest.mark.parametrize(
    ("file", "ruin", "reason"),
    [
        ("src/data/viewer.graphql", "query Viewer { thereIsNoSuchField }", "thereIsNoSuchField"),
        ("src/app/main.tsx", "import './there-is-no-such-file';", "there-is-no-such-file"),
    ],
)
def test_a_build_that_fails_stops_make_serve_and_says_why(tmp_path: Path, file: str, ruin: str, reason: str) -> None:
    """A tree that shares all that is installed with this one, but has one ruined source."""
    for name in ("Makefile", "requirements.txt", "graphql-schema.graphql"):
        shutil.copy2(ROOT / name, tmp_path / name)
    left_out = shutil.ignore_patterns("node_modules", "dist", "gql")
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=left_out)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "web/node_modules").symlink_to(ROOT / "web/node_modules")
    (tmp_path / "web" / file).write_text(ruin)
    done = subprocess.run(["make", "serve"], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode != 0
    assert reason in done.stdout + done.stderr
    assert "web: failed:" in done.stdout
    assert not (tmp_path / "web/dist/.built-from").exists()
    assert not (tmp_path / ".tutti").exists()
