"""The sandbox: a simulated cluster and a local Slack, on loopback only."""
