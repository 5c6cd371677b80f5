"""Everything that knows the cluster: facts in, idempotent writes out. Knows nothing of Slack, plans or policy."""
