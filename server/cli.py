"""The `tutti` command.

Invariant: what a person can mend is told in a sentence and ends with code 1; a traceback means a mistake of ours.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from server.stopping import Stopped, StopSignals

# Everything else is imported where it is used: a Ctrl-C during the second that the imports take is no traceback either.

SCHEMA_FILE = Path(__file__).parent.parent / "graphql-schema.graphql"
RELEASED_FILE = SCHEMA_FILE.with_name("graphql-schema.released.graphql")
"""The schema of the last release; `make release-schema` renews it."""
POSSIBLE_TYPES = "possibleTypes.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 something to mend, 2 a wrong command line."""
    options = parser().parse_args(arguments)
    if options.run in (serve, migrate, seed, export_workspace, import_file):
        options.stop = StopSignals()
    try:
        return run(options)
    except KeyboardInterrupt:
        return fail("interrupted", 130)


def run(options: argparse.Namespace) -> int:
    """Run the chosen command; turn what a person can mend into a sentence."""
    gc.disable()  # what is imported stays: looking for garbage in it takes a sixth of the start
    from db.probe import DatabaseProblem
    from realtime.probe import RedisProblem
    from server.serve import PortTaken
    from server.settings import SettingsError
    from server.stack import StackError
    from server.transfers import TransferProblem

    gc.enable()
    try:
        result: int = options.run(options)
    except SettingsError as error:
        return fail("the settings need a change:\n" + "\n".join(f"  {problem}" for problem in error.problems))
    except Stopped:
        return fail("interrupted", 130)
    except (StackError, PortTaken, DatabaseProblem, RedisProblem, TransferProblem) as error:
        return fail(str(error))
    return result


def parser() -> argparse.ArgumentParser:
    """Return the grammar of the command line."""
    root = argparse.ArgumentParser(prog="tutti", description="Tutti, a real-time collaborative task platform.")
    commands = root.add_subparsers(required=True, metavar="command")

    def command(name: str, run: object, help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(run=run)
        return added

    command("serve", serve, "Start the embedded servers if none are named, migrate, and serve until Ctrl-C.")
    command("migrate", migrate, "Bring the database to the newest shape.")
    command("seed", seed, "Add a demo workspace and account to a database without people; never in production.")
    command("doctor", doctor, "Check this machine and the servers, and say how to mend what is wrong.")
    transfer_grammar(command)
    sdl_file = command("export-schema", export_schema, "Write the GraphQL schema into a file.")
    sdl_file.add_argument("file", nargs="?", type=Path, default=SCHEMA_FILE, help=f"by default {SCHEMA_FILE.name}")
    sdl_file.add_argument("--check", action="store_true", help="change nothing; fail if the file is not up to date")
    return root


def transfer_grammar(command: Callable[[str, object, str], argparse.ArgumentParser]) -> None:
    """Add how workspaces go out and come in."""
    out = command("export", export_workspace, "Write a workspace into a file: all of it, or its tasks as a table.")
    out.add_argument("workspace", help="its slug, its name, or its id (workspace_...)")
    out.add_argument(
        "--format", choices=("jsonl", "csv"), default="jsonl", help="jsonl: everything (by default); csv: the tasks"
    )
    out.add_argument("--out", type=Path, metavar="FILE", help="by default the standard output")
    into = command(
        "import",
        import_file,
        "Read a file into a workspace. Running it again adds what is missing and nothing twice.",
    )
    into.add_argument("file", type=Path)
    into.add_argument(
        "--format",
        choices=("jsonl", "github", "trello", "todoist"),
        required=True,
        help="jsonl: an export of Tutti; github: issues as of the REST API; trello: a board's JSON; todoist: CSV",
    )
    where = into.add_mutually_exclusive_group(required=True)
    where.add_argument("--into", metavar="WORKSPACE", help="a workspace by its slug, name or id")
    where.add_argument("--new", metavar="NAME", help="make a workspace of this name")
    into.add_argument(
        "--as", dest="email", metavar="EMAIL", required=True, help="who imports: an OWNER or ADMIN, or the new OWNER"
    )
    into.add_argument(
        "--people",
        type=Path,
        metavar="CSV",
        help="who is who: lines of a name in a file of github, trello or todoist, a comma, and an e-mail address here",
    )
    into.add_argument("--dry-run", action="store_true", help="say what would happen, and write nothing")
    into.add_argument("--keep-ids", action="store_true", help="keep the ids of an export (jsonl), for another server")


def serve(options: argparse.Namespace) -> int:
    """Serve until a signal."""
    from server import serve as serving
    from server.settings import Settings

    return serving.serve(Settings.from_environment(), options.stop, say)


def migrate(options: argparse.Namespace) -> int:
    """Apply the migrations that are missing."""
    from db.migrations import upgrade
    from server.backends import backends
    from server.settings import Settings

    with backends(Settings.from_environment(), step(options.stop)) as settings:
        assert settings.database_url is not None
        upgrade(settings.database_url)
    say("The database has the newest shape.")
    return 0


def seed(options: argparse.Namespace) -> int:
    """Add the demo data, if there are no people yet."""
    from db.migrations import upgrade
    from server.backends import backends
    from server.seed import seed as seed_database
    from server.settings import Settings

    settings = Settings.from_environment()
    if settings.env == "production":
        return fail("a production database is never seeded; unset TUTTI_ENV, or use another database")
    with backends(settings, step(options.stop)) as complete:
        assert complete.database_url is not None
        upgrade(complete.database_url)
        account = asyncio.run(seed_database(complete))
    if account is None:
        say("There are people in this database already; nothing was added.")
    else:
        say(f"A demo workspace was added. Sign in with {account.email} and the password {account.password}")
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Print one line for each thing checked."""
    from server.doctor import examine
    from server.settings import Settings

    return examine(Settings.from_environment(), say)


def export_workspace(options: argparse.Namespace) -> int:
    """Write a workspace into a file or to the standard output; what is said goes beside it."""
    from server.backends import backends
    from server.settings import Settings
    from server.transfers import Export, run_export

    with backends(Settings.from_environment(), step(options.stop, tell)) as settings:
        assert settings.database_url is not None
        wanted = Export(options.workspace, options.format, options.out)
        asyncio.run(run_export(settings.database_url, wanted, step(options.stop, tell)))
    return 0


def import_file(options: argparse.Namespace) -> int:
    """Read a file into a workspace."""
    from server.backends import backends
    from server.settings import Settings
    from server.transfers import Import, run_import

    wanted = Import(
        file=options.file,
        format=options.format,
        into=options.into,
        new=options.new,
        email=options.email,
        is_dry=options.dry_run,
        has_kept_ids=options.keep_ids,
        people=options.people,
    )
    wanted.check()
    with backends(Settings.from_environment(), step(options.stop)) as settings:
        assert settings.database_url is not None
        asyncio.run(run_import(settings.database_url, wanted, step(options.stop)))
    return 0


def export_schema(options: argparse.Namespace) -> int:
    """Write the schema with the possible types beside it, or tell whether the files hold them and break no promise."""
    from execution.evolution import possible_types
    from resolvers import schema, sdl

    text = sdl()
    types = json.dumps(possible_types(schema._schema), indent=2) + "\n"
    file: Path = options.file
    beside = file.with_name(POSSIBLE_TYPES)
    if options.check:
        for one, expected in ((file, text), (beside, types)):
            if not one.exists() or one.read_text() != expected:
                return fail(f"{one.name} does not show the schema of the code; run: make schema")
        say(f"{file.name} is up to date.")
        return keeps_promises(text)
    file.write_text(text)
    beside.write_text(types)
    say(f"{file.name} written ({len(text.splitlines())} lines).")
    return 0


def keeps_promises(text: str) -> int:
    """Tell whether what was written for the released schema goes on working."""
    from datetime import UTC, datetime

    from graphql import build_schema

    from execution.evolution import breaking_changes, undated_deprecations

    broken = breaking_changes(RELEASED_FILE.read_text(), build_schema(text), datetime.now(UTC).date())
    for change in broken:
        say(f"Breaking: {change}")
    if broken:
        return fail(f"{RELEASED_FILE.name} was promised; docs/integrations.md says how to take a promise back")
    if undated := undated_deprecations(text):
        return fail(f"@deprecated has to say until which day: {undated}")
    return 0


def say(line: str) -> None:
    """Print a line at once, also into a pipe or a log."""
    print(line, flush=True)


def tell(line: str) -> None:
    """Say a line beside what goes to the standard output."""
    print(line, file=sys.stderr, flush=True)


def step(stop: StopSignals, to: Callable[[str], None] = say) -> Callable[[str], None]:
    """Return what says a line of progress (an empty one is not said), and then stops if a signal asked for it."""

    def say_and_check(line: str) -> None:
        if line:
            to(line)
        stop.check()

    return say_and_check


def fail(message: str, code: int = 1) -> int:
    """Say what is wrong and return the exit code for it."""
    print(f"tutti: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
