"""The application on a simulated cluster: service, executor and store, with a standing clock and no Slack."""
