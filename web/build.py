"""Builds the web pages into web/dist, if their sources changed since the last build: `python web/build.py`.

Invariant: a build that did not finish leaves no stamp, so it is never taken for a finished one.
"""

import argparse
import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node import MINIMUM_VERSION, Node, NodeMissing, find_node

try:
    import fcntl
except ImportError:  # Windows, where two builds at once have to be avoided by hand
    fcntl = None  # type: ignore[assignment]

WEB = Path(__file__).resolve().parent
DIST = WEB / "dist"
STAMP = DIST / ".built-from"
INSTALLED_STAMP = "node_modules/.installed-from"
SOURCES = ("*.html", "src/**/*", "public/**/*", "vite.config.ts", "codegen.ts")
GENERATED = WEB / "src/gql"
DOCUMENTS = WEB / "node_modules/.documents/documents.js"
SCHEMA = WEB.parent / "graphql-schema.graphql"
PACKAGES = ("package.json", "package-lock.json", ".npmrc")
UNHASHED = ("theme.js", "favicon.svg")
"""What the web client's page names beside assets."""
COMPRESSED = {".css", ".html", ".js", ".json", ".svg", ".ttf", ".txt"}


def install(directory: Path, node: Node) -> None:
    """Brings node_modules of `directory` to what its lock file says, unless it is there already.

    Raises subprocess.CalledProcessError if npm fails.
    """
    stamp = directory / INSTALLED_STAMP
    wanted = _digest([directory / name for name in PACKAGES])
    with _alone(directory):
        if not stamp.is_file() or stamp.read_text() != wanted:
            _install(directory, node)
            stamp.write_text(wanted)


def _install(directory: Path, node: Node) -> None:
    _say(f"installing the packages of {directory.name}/ with Node {node.version} (the first time takes a minute)")
    try:
        node.npm("ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=directory)
    except subprocess.CalledProcessError:
        # A lock made elsewhere can lack this platform's native packages; versions are exact, so install finds the same.
        _say("npm ci did not work here, trying npm install")
        node.npm("install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", cwd=directory)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """One process at a time installs into `directory`; the others wait."""
    with (directory / "package.json").open() as held:
        if fcntl is not None:
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def build(node: Node) -> None:
    """Builds web/dist and lays a compressed copy beside each text file.

    Raises subprocess.CalledProcessError if the build fails.
    """
    STAMP.unlink(missing_ok=True)
    _say("writing the types of the schema")
    generate(node)
    _say("building the pages (about 20 seconds)")
    vite = WEB / "node_modules/vite/bin/vite.js"
    node.run(vite, "build", "--logLevel=warn", cwd=WEB)
    # The same sources, for Node: the documents that the pages send.
    node.run(vite, "build", "--logLevel=warn", "--ssr", "src/documents.ts", "--outDir", DOCUMENTS.parent, cwd=WEB)
    node.run(DOCUMENTS, DIST / "documents.json", cwd=WEB)
    write_files_to_keep(DIST)
    for file in sorted(DIST.rglob("*")):
        if file.suffix in COMPRESSED and file.stat().st_size > 1024:
            file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    STAMP.write_text(_sources_digest())
    files = [file for file in DIST.rglob("*") if file.is_file() and file.suffix != ".gz"]
    _say(f"built {len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB, into {DIST}")


def write_files_to_keep(dist: Path) -> None:
    """Writes into sw.js what a browser keeps of the web client: all files that its page leads to.

    One leads to another by its name, which has a hash in it: so workers and what is loaded later are found, too.
    """
    assets = {file.name: file for file in (dist / "assets").iterdir()}
    found: set[str] = set()
    unread = [dist / "index.html"]
    while unread:
        text = unread.pop().read_text(errors="replace")
        named = {name for name in assets if name in text} - found
        found |= named
        unread += [assets[name] for name in named]
    kept = [*UNHASHED, *(f"assets/{name}" for name in sorted(found))]
    worker = dist / "sw.js"
    version = _digest([worker, dist / "index.html", *(dist / name for name in kept)])[:16]
    lines = [f"const VERSION = {json.dumps(version)};", f"const FILES = {json.dumps([f'/{name}' for name in kept])};"]
    worker.write_text("\n".join([*lines, worker.read_text()]))


def generate(node: Node) -> None:
    """Writes src/gql from the schema and the documents beside the components.

    Raises subprocess.CalledProcessError if a document does not fit the schema.
    """
    program = WEB / "node_modules/@graphql-codegen/cli/cjs/bin.js"
    node.run(program, "--config", "codegen.ts", "--errors-only", cwd=WEB)


def is_current() -> bool:
    """Whether web/dist was built from the sources as they are now."""
    return STAMP.is_file() and STAMP.read_text() == _sources_digest()


def main() -> int:
    """Returns 0 when web/dist is current, 1 when it could not be built (the reason is printed)."""
    parser = argparse.ArgumentParser(description="Build the web pages into web/dist, if their sources changed.")
    parser.add_argument("--force", action="store_true", help="build even if nothing changed")
    arguments = parser.parse_args()
    if is_current() and not arguments.force:
        _say("up to date")
        return 0
    try:
        node = find_node()
        install(WEB, node)
        build(node)
    except NodeMissing as missing:
        _say(str(missing))
    except subprocess.CalledProcessError as failed:
        _say(f"failed: `{' '.join(str(part) for part in failed.cmd)}` ended with code {failed.returncode} (see above)")
    else:
        return 0
    return 1


def _sources_digest() -> str:
    sources = [file for pattern in SOURCES for file in sorted(WEB.glob(pattern)) if file.is_file()]
    sources = [file for file in sources if GENERATED not in file.parents and ".test." not in file.name]
    return _digest([*sources, SCHEMA, *(WEB / name for name in PACKAGES)])


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256(str(MINIMUM_VERSION).encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + (file.read_bytes() if file.is_file() else b"") + b"\0")
    return digest.hexdigest()


def _say(line: str) -> None:
    print(f"web: {line}", flush=True)  # noqa: T201 - a build tool speaks on its standard output


if __name__ == "__main__":
    sys.exit(main())
