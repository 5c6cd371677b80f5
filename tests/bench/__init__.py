"""Speed, honestly: real processes over loopback, and only ratios to a bare counterpart within one run.

Absolute times say more about the machine than about the bot. So each round measures the bot and a program without any
of its features, one right after the other, and what counts is the ratio: its median over the rounds, with the smallest
and the largest beside it as the noise. Nothing here is asserted; a slow machine is no defect.

Both sides carry the same cost of the local Slack and of the client that measures, which draws the ratios towards 1.
"""
