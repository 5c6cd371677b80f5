"""The use cases: what people can ask of the bot, each as one call.

A call judges the actor by the policy, reads the cluster where it must, and changes the Record in one transaction. The
caller never reads a state, decides and writes: that would be a race between two approvers. Every refusal is a BotError.
Starting a move is the executor's business; the service only tells it that there is one.
"""

from bot.service.at_home import Home
from bot.service.batching import Batching
from bot.service.calling_off import CallingOff
from bot.service.choosing import Choosing
from bot.service.looking import Looking
from bot.service.steering import Steering


class Service(Batching, Choosing, Steering, CallingOff, Home, Looking):
    """Everything that a person can do."""
