"""Tests by behaviour: domain (pure), cluster, slack, sandbox_*, contract, stories."""
