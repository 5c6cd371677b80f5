"""What holds for all tests."""

import os

from hypothesis import Phase, settings

# From Python 3.12 on the explain phase traces every line of every example, which makes simulations ten times slower.
# CI says the same of the same commit twice; new examples are looked for wherever people work.
settings.register_profile(
    "plain", phases=[phase for phase in Phase if phase is not Phase.explain], derandomize="CI" in os.environ
)
settings.load_profile("plain")
