"""The static pages a person's browser gets: client, join, mail links, GraphiQL, their assets, and the schema.

Invariant: no page runs inline script or loads anything from another address, and every answer here says so in its
Content-Security-Policy. Assets carry a hash in their names, so they may be cached for ever; pages never are.
"""

import mimetypes
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response

from execution.persisted import trusted_documents

BUNDLE = Path(__file__).resolve().parent.parent / "web" / "dist"
"""Where `make web` puts the built pages."""

CLIENT_ADDRESSES = ("/", "/sign-in", "/account", "/account/{rest:path}", "/inbox", "/tasks", "/w/{rest:path}")
"""What the web client shows; it finds out itself which page that is, also which there is not. sw.js has them, too."""

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
# The editor inside GraphiQL sets style attributes.
_EDITOR_POLICY = _POLICY | {"style-src": "'self' 'unsafe-inline'"}

_SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_NOT_BUILT = "The web pages are not built yet. Run: make web"
_NO_PAGE = "This server has no page here ({}=off). Send operations with POST, or over a WebSocket."
# The platform's table of types depends on what is installed, and a wrong type is refused under nosniff.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".ttf": "font/ttf"}


def page_documents(bundle: Path | None) -> dict[str, str]:
    """id -> text of what these pages ask, so that they work where no other documents are taken; none if not built."""
    try:
        return trusted_documents(orjson.loads((bundle / "documents.json").read_bytes())) if bundle else {}
    except FileNotFoundError:
        return {}


def page_routes(bundle: Path | None, sdl: str | None) -> APIRouter:
    """Routes of every static address; GraphiQL is not among them, as /graphql belongs to the transport.

    `bundle` is the folder that `make web` fills (it may be missing), None where no pages are wanted: then only the
    schema is there. `sdl` is its text, None where it is nobody's business.
    """
    router = APIRouter()

    async def schema(_request: Request) -> Response:
        return PlainTextResponse(sdl, headers=_headers(_POLICY) | {"cache-control": _ASK_AGAIN})

    if sdl is not None:
        router.add_route("/schema.graphql", schema, methods=["GET"])  # HEAD comes with it
    if bundle is None:
        return router

    async def client(request: Request) -> Response:
        return _page(bundle, "index.html", request)

    async def join(request: Request) -> Response:
        return _page(bundle, "join.html", request)

    async def reset(request: Request) -> Response:
        return _page(bundle, "reset.html", request)

    async def verify(request: Request) -> Response:
        return _page(bundle, "verify.html", request)

    async def unsubscribe(request: Request) -> Response:
        return _page(bundle, "unsubscribe.html", request)

    async def theme(request: Request) -> Response:
        return _file(bundle / "theme.js", request, cache=_ASK_AGAIN)

    async def service_worker(request: Request) -> Response:
        return _file(bundle / "sw.js", request, cache=_ASK_AGAIN)

    async def favicon(request: Request) -> Response:
        return _file(bundle / "favicon.svg", request, cache="public, max-age=86400")

    async def asset(request: Request) -> Response:
        return _file(bundle / "assets" / Path(request.path_params["name"]).name, request, cache=_FOR_EVER)

    for path, endpoint in {
        **dict.fromkeys(CLIENT_ADDRESSES, client),
        "/join": join,
        "/reset": reset,
        "/verify": verify,
        "/unsubscribe": unsubscribe,
        "/theme.js": theme,
        "/sw.js": service_worker,
        "/favicon.svg": favicon,
        "/favicon.ico": favicon,
        "/assets/{name}": asset,
    }.items():
        router.add_route(path, endpoint, methods=["GET"])
    return router


def graphiql_page(bundle: Path | None, switch: str = "TUTTI_WEB") -> Callable[[Request], Response]:
    """What a browser gets that opens /graphql. `switch`: the setting by which there is no page."""

    def page(request: Request) -> Response:
        if bundle is None:
            return JSONResponse({"detail": _NO_PAGE.format(switch)}, status_code=404, headers=_SECURITY_HEADERS)
        return _page(bundle, "graphiql.html", request, policy=_EDITOR_POLICY)

    return page


def add_not_found_page(app: FastAPI, bundle: Path | None) -> None:
    """Makes `app` answer unknown addresses with a page for browsers and with JSON for everybody else."""

    async def not_found(request: Request, error: Exception) -> Response:
        detail = error.detail if isinstance(error, HTTPException) else "Not Found"
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        is_for_browser = request.method in {"GET", "HEAD"} and wants_html(request.headers)
        if bundle is not None and is_for_browser and _is_built(bundle):
            return _page(bundle, "not-found.html", request, status=404)
        return JSONResponse({"detail": detail}, status_code=404, headers=_SECURITY_HEADERS | headers)

    handler: Callable[[Request, Exception], Awaitable[Response]] = not_found
    app.add_exception_handler(404, handler)


def wants_html(headers: Headers) -> bool:
    """Whether a request's `Accept` names HTML, as browsers do when they open an address."""
    return any(part.split(";")[0].strip().lower() == "text/html" for part in headers.get("accept", "").split(","))


def _page(
    bundle: Path, name: str, request: Request, *, status: int = 200, policy: dict[str, str] = _POLICY
) -> Response:
    if _is_built(bundle):
        return _file(bundle / name, request, cache=_ASK_AGAIN, status=status, policy=policy)
    headers = _headers(_POLICY) | {"cache-control": "no-store"}
    if not wants_html(request.headers):
        return JSONResponse({"detail": _NOT_BUILT}, status_code=503, headers=headers)
    body = f"<!doctype html><meta name=color-scheme content='light dark'><title>Tutti</title><p>{_NOT_BUILT}</p>"
    return Response(body, status_code=503, media_type="text/html", headers=headers)


def _file(path: Path, request: Request, *, cache: str, status: int = 200, policy: dict[str, str] = _POLICY) -> Response:
    """The file, compressed if the build laid a compressed copy beside it and the client takes one.

    Raises HTTPException 404 if there is no such file.
    """
    if path.suffix == ".gz" or not path.is_file():
        raise HTTPException(404)
    headers = _headers(policy) | {"cache-control": cache, "vary": "accept, accept-encoding"}
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    compressed = path.with_name(path.name + ".gz")
    if _takes_gzip(request.headers) and compressed.is_file():
        path, headers = compressed, headers | {"content-encoding": "gzip"}
    return FileResponse(path, status_code=status, headers=headers, media_type=media_type)


def _takes_gzip(headers: Headers) -> bool:
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, quality = part.partition(";")
        if coding.strip() in {"gzip", "*"}:
            return quality.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _headers(policy: dict[str, str]) -> dict[str, str]:
    return _SECURITY_HEADERS | {
        "content-security-policy": "; ".join(f"{directive} {sources}" for directive, sources in policy.items())
    }


def _is_built(bundle: Path) -> bool:
    return (bundle / "index.html").is_file()
