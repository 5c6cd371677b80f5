"""Every known difference between the simulation and the recordings, each with its reason. Nothing else may differ.

A key is (recording, facet); ``*`` as the recording means all. An entry that no longer differs fails the suite.
"""

FACETS: dict[tuple[str, str], str] = {}

EVENTS: dict[tuple[str, str], str] = {}

ERRORS: dict[str, str] = {}
