"""What is compared: the product, its peers, and the limit, each with how it is started and how events reach it."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import programs
from bench.feed import DOCUMENT, Feed, LogFeed, MessageFeed, Specimen, subscriber_of
from bench.fleet import Fleet
from bench.people import Team
from bench.programs import ROOT, Program, Stack
from bench.wire import Subscriber

PEERS = ROOT / "bench/peers"
sys.path.append(str(ROOT / "web"))  # its finder of Node stands alone

PRODUCT = "tutti"
STOCK = "strawberry"
NODE_PEERS = ("yoga", "apollo", "mercurius")
PLAIN = "ready frames"
CORKED = "ready frames, corked"
LABELS = {
    PRODUCT: "Tutti",
    STOCK: "stock Strawberry + FastAPI",
    "yoga": "GraphQL Yoga",
    "apollo": "Apollo Server",
    "mercurius": "Mercurius",
    PLAIN: "ready frames",
    CORKED: "ready frames, corked",
}
NODE_PACKAGES = {
    "yoga": ("graphql-yoga", "@envelop/graphql-jit", "@graphql-yoga/redis-event-target", "graphql-ws", "ws"),
    "apollo": ("@apollo/server", "graphql-redis-subscriptions", "graphql-ws", "ws"),
    "mercurius": ("mercurius", "mqemitter-redis", "fastify"),
}
PYTHON_PACKAGES = (
    "strawberry-graphql",
    "graphql-core",
    "fastapi",
    "uvicorn",
    "uvloop",
    "websockets",
    "redis",
    "hiredis",
)


@dataclass(frozen=True, slots=True)
class System:
    """One running server with its feed and its subscribers."""

    name: str
    program: Program
    fleet: Fleet
    feed: Feed = field(repr=False)


def install() -> None:
    """Install the Node peers where they are not yet. Raises CalledProcessError with npm's words on the screen."""
    from node import find_node  # type: ignore[import-not-found]

    node = find_node()
    for name in NODE_PEERS:
        folder = PEERS / name
        stamp = folder / "node_modules/.installed"
        wanted = (folder / "package.json").read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"  installing {LABELS[name]} from npm", flush=True)
            node.npm("install", "--no-package-lock", "--ignore-scripts", "--loglevel=error", cwd=folder)
            stamp.write_text(wanted)


def node_executable() -> str:
    from node import find_node

    return str(find_node().executable)


@contextmanager
def peer(name: str, stack: Stack, core: int) -> Iterator[Program]:
    """A peer or the limit, as a program of its own."""
    is_corked = "1" if name == CORKED else "0"
    environment = {"REDIS_URL": stack.redis_url, "CORKED": is_corked, "CHANNEL": channel_of(name)}
    if name in NODE_PEERS:
        folder, command = PEERS / name, [node_executable(), "server.js"]
    else:
        folder = PEERS / (STOCK if name == STOCK else "ready_frames")
        command = [sys.executable, "server.py"]
    with programs.program(name.replace(" ", "-"), command, environment, stack.folder, core, folder) as running:
        yield running


def channel_of(name: str) -> str:
    return f"bench:{name}"


async def product_system(program: Program, stack: Stack, team: Team, specimen: Specimen) -> System:
    def make(index: int) -> Subscriber:
        return subscriber_of(index, team.people[index % len(team.people)].token, team.workspace_id)

    feed = await LogFeed(stack, specimen).open()
    return System(PRODUCT, program, Fleet(program.url, feed, make), feed)


async def peer_system(name: str, program: Program, stack: Stack, team: Team, specimen: Specimen) -> System:
    payload = {"query": DOCUMENT, "variables": {"workspaceId": team.workspace_id}}

    def make(index: int) -> Subscriber:
        identity = f"{index:012d}-0000-4000-8000-{index:012d}"[-36:]
        return Subscriber(identity, "/graphql", {}, payload, has_first_result=False)

    feed = await MessageFeed(stack, channel_of(name), specimen, is_msgpack=name == "mercurius").open()
    return System(name, program, Fleet(program.url, feed, make), feed)


def python_versions() -> dict[str, str]:
    """Package -> version of what the product runs on, as installed."""
    return {name: importlib.metadata.version(name) for name in PYTHON_PACKAGES}


def versions() -> dict[str, str]:
    """Package -> version of all that took part, as installed."""
    found = python_versions()
    for peer_name, packages in NODE_PACKAGES.items():
        for package in packages:
            manifest = PEERS / peer_name / "node_modules" / package / "package.json"
            if manifest.exists():
                found[package] = json.loads(manifest.read_text())["version"]
    if (PEERS / "yoga/node_modules").exists():
        asked = subprocess.run([node_executable(), "--version"], capture_output=True, text=True, check=True)
        found["node"] = asked.stdout.strip().removeprefix("v")
    return found


def revision() -> str:
    """The commit of the product that was measured; with a plus if files differ from it."""
    root = programs.product_root()

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", *_product_folders(root))
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _product_folders(root: Path) -> list[str]:
    names = (
        "server",
        "jobs",
        "transfer",
        "resolvers",
        "schema",
        "execution",
        "dataloaders",
        "domain",
        "realtime",
        "db",
    )
    return [name for name in names if (root / name).exists()]
