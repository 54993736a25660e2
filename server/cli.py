"""The `tutti` command.

Invariant: what a person can mend is told in a sentence and ends with code 1; a traceback means a mistake of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from db.probe import DatabaseProblem
from realtime.probe import RedisProblem
from server.settings import Settings, SettingsError
from server.stack import StackError

SCHEMA_FILE = Path(__file__).parent.parent / "graphql-schema.graphql"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something to mend, 2 a wrong command line."""
    options = parser().parse_args(arguments)
    # Lines come out as they are said, also into a pipe or a log.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    from server.serve import PortTaken

    try:
        result: int = options.run(options)
    except SettingsError as error:
        return fail("the settings need a change:\n" + "\n".join(f"  {problem}" for problem in error.problems))
    except (StackError, PortTaken, DatabaseProblem, RedisProblem) as error:
        return fail(str(error))
    return result


def parser() -> argparse.ArgumentParser:
    """Return the grammar of the command line."""
    root = argparse.ArgumentParser(prog="tutti", description="Tutti, a real-time collaborative task platform.")
    root.add_argument("--version", action="version", version=f"tutti {version('tutti')}")
    commands = root.add_subparsers(required=True, metavar="command")

    def command(name: str, run: object, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(run=run)
        return added

    command("serve", serve, "Start the embedded servers if none are named, migrate, and serve until Ctrl-C.")
    command("migrate", migrate, "Bring the database to the newest shape.")
    command("seed", seed, "Add a demo workspace and account to a database without people; never in production.")
    command("doctor", doctor, "Check this machine and the servers, and say how to mend what is wrong.")
    export = command("export-schema", export_schema, f"Write the GraphQL schema to {SCHEMA_FILE.name}.")
    export.add_argument("--check", action="store_true", help="change nothing; fail if the file is not up to date")
    return root


def serve(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    from server import serve as serving

    return serving.serve(Settings.from_environment(), print)


def migrate(options: argparse.Namespace) -> int:
    """Apply the migrations that are missing."""
    from db.migrations import upgrade
    from server.backends import backends

    with backends(Settings.from_environment(), print) as settings:
        assert settings.database_url is not None
        upgrade(settings.database_url)
    print("The database has the newest shape.")
    return 0


def seed(options: argparse.Namespace) -> int:
    """Add the demo data, if there are no people yet."""
    from db.migrations import upgrade
    from server.backends import backends
    from server.seed import seed as seed_database

    settings = Settings.from_environment()
    if settings.env == "production":
        return fail("a production database is never seeded; unset TUTTI_ENV, or use another database")
    with backends(settings, print) as complete:
        assert complete.database_url is not None
        upgrade(complete.database_url)
        account = asyncio.run(seed_database(complete))
    if account is None:
        print("There are people in this database already; nothing was added.")
    else:
        print(f"A demo workspace was added. Sign in with {account.email} and the password {account.password}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Print one line for each thing checked."""
    from server.doctor import examine

    return examine(Settings.from_environment(), print)


def export_schema(options: argparse.Namespace) -> int:
    """Write the schema, or tell whether the file holds it."""
    from resolvers import schema

    text = schema.as_str().rstrip() + "\n"
    if options.check:
        if SCHEMA_FILE.exists() and SCHEMA_FILE.read_text() == text:
            print(f"{SCHEMA_FILE.name} is up to date.")
            return 0
        return fail(f"{SCHEMA_FILE.name} does not show the schema of the code; run: make schema")
    SCHEMA_FILE.write_text(text)
    print(f"{SCHEMA_FILE.name} written ({len(text.splitlines())} lines).")
    return 0


def fail(message: str) -> int:
    """Say what is wrong and return the exit code for it."""
    print(f"tutti: {message}", file=sys.stderr)
    return 1
