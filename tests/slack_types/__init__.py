"""Cards and modals against Slack's own TypeScript types."""
