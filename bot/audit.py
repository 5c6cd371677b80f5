"""Every decision about people as one line of JSON, to standard output or at the end of a file.

A line names the person (user and team), what they wanted, the rule that allowed or refused it, what came of it (a
Confirm that has met drift counts for nothing), and the plan with its revision and fingerprint. It holds no text of
people. Lines are only ever added; keeping them safe is the business of whoever collects them. A line that cannot be
written is said in the log and stops nothing.
"""

import json
import logging
import sys
from pathlib import Path

from bot.ports import Clock, Verdict

log = logging.getLogger(__name__)

STDOUT = "-"


class JsonLines:
    """Implements `bot.ports.Audit`. `where` is a path, `-` for standard output, or empty for nowhere."""

    def __init__(self, where: str, clock: Clock) -> None:
        self._where = where
        self._clock = clock

    def write(self, verdict: Verdict) -> None:
        """Add one line."""
        if not self._where:
            return
        line = json.dumps({"at": self._clock.now().isoformat(), **_fields(verdict)}) + "\n"
        try:
            if self._where == STDOUT:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                with Path(self._where).open("a", encoding="utf-8") as file:
                    file.write(line)
        except OSError as error:
            log.error("a line of the audit could not be written: %s", error.strerror)  # no trace needed


def _fields(verdict: Verdict) -> dict[str, object]:
    return {
        "user": verdict.actor.user,
        "team": verdict.actor.team,
        "action": verdict.action.value,
        "allowed": verdict.decision.allowed,
        "rule": verdict.decision.rule,
        "done": verdict.done or None,
        "plan": verdict.plan_id or None,
        "revision": verdict.revision or None,
        "fingerprint": verdict.fingerprint or None,
        "state": verdict.state or None,
        "incident": verdict.incident or None,
    }
