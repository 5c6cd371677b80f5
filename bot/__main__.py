"""`python -m bot` is `vm-migrate-bot`."""

from bot.cli import main

main()
