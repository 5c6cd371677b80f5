"""The people's side, under /sandbox/: what a person at a keyboard can see and do. Slack has no such API.

Stories, tests and the page use it alike, so whatever a script can do, a person can, and no more.
"""
