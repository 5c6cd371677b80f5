"""Why a database cannot be opened, in a line for the operator."""


class DatabaseInUse(Exception):
    """Another bot has this database open."""


class BadDatabase(Exception):
    """The URL names no database that can be opened."""
