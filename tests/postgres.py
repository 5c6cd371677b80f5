"""A real PostgreSQL that lives as long as a test session: Debian's binaries, a directory of its own, a Unix socket.

The server refuses to run as root, so root runs it as `nobody`. Nothing listens on the network.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
BINARIES = INSTALLED[-1].parent if INSTALLED else Path(shutil.which("initdb") or "/missing").parent

needs_postgres = pytest.mark.skipif(
    not (BINARIES / "initdb").exists(), reason="PostgreSQL is missing; on Debian or Ubuntu: apt-get install postgresql"
)

QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=60")
"""Settings of a server whose data nobody needs tomorrow."""


class Postgres:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 5432
        """Of the socket's name; nothing listens on it."""

    def url(self, database: str = "postgres") -> str:
        """As the bot gets it."""
        return f"postgresql+asyncpg://postgres@/{database}?host={self.folder}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run one statement beside the bots; its rows, values parted by bars."""
        return _run(
            BINARIES / "psql", "-h", self.folder, "-U", "postgres", "-d", database, "-AtX", "-q", "-c", statement
        )

    def create(self, database: str) -> str:
        """A new database; its URL."""
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, and stop it."""
    folder = Path(tempfile.mkdtemp(prefix="vm-migrate-pg-", dir="/tmp"))  # a socket's path has 107 characters at most
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        server = Postgres(folder)
        data = folder / "data"
        _run(BINARIES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-locale")
        options = " ".join([f"-k {folder}", "-c listen_addresses=''", *(f"-c {each}" for each in QUICK)])
        _run(BINARIES / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield server
        finally:
            _run(BINARIES / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*command: str | Path) -> str:
    done = subprocess.run([*_as_nobody(), *map(str, command)], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _as_nobody() -> Sequence[str]:
    return ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups") if os.geteuid() == 0 else ()
