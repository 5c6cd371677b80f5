"""From evidence to a cause that people can act on.

Four questions, each answered by one table of which the first matching row counts: why a migration failed (`diagnose`),
why a VM does not start (`diagnose_start`), why the cluster refused (`diagnose_refusal`), and why a migration does not
come on (`stuck`). What no row knows stays what it is: the cluster's own words, and no invented fix. A cause never says
where the VM is; the report reads that from the VMI. Each cause has a runbook under its code (`bot.runbooks`).
"""

from bot.diagnosis.cause import Cause, WayOn
from bot.diagnosis.live import diagnose
from bot.diagnosis.refusal import diagnose_refusal
from bot.diagnosis.start import diagnose_start
from bot.diagnosis.stuck import NOT_STARTED, say_after, stuck

__all__ = ["NOT_STARTED", "Cause", "WayOn", "diagnose", "diagnose_refusal", "diagnose_start", "say_after", "stuck"]
