"""What holds for all tests."""

import os
from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import Phase, settings

from tests.postgres import Postgres, running

# From Python 3.12 on the explain phase traces every line of every example, which makes simulations ten times slower.
# CI says the same of the same commit twice; new examples are looked for wherever people work.
# No deadlines: how long an example takes says more of the machine than of the code.
settings.register_profile(
    "plain",
    phases=[phase for phase in Phase if phase is not Phase.explain],
    derandomize="CI" in os.environ,
    deadline=None,
)
settings.load_profile("plain")

# No test meets a certificate of the world outside, and reading all of them costs each connected client 50 ms; machines
# behind a proxy name theirs here.
os.environ["SSL_CERT_FILE"] = os.devnull

NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server, started by the first test that wants it."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """An empty database on it."""
    return postgres.create(f"bot{next(NUMBERS)}")
