"""Everything Slack: commands, clicks, modals, cards, and the projection of plans into messages. Never the cluster."""
