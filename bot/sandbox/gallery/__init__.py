"""The gallery: every card and modal of the bot in every state, as people would see them."""
