"""Slack's Web API under /api/: one function per method, one table of all methods."""
