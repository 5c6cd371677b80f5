"""`make bench`: JSON to stdout, a table to stderr.

python -m tests.bench [--rounds N] > bench.json
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

import aiohttp

from tests.bench import ack, overhead
from tests.bench.rounds import Comparison, table
from tests.stories.processes import ground, people_of


async def main(rounds: int) -> list[Comparison]:
    """Start Slack and cluster, and compare."""
    with tempfile.TemporaryDirectory(prefix="vm-migrate-bench-") as folder:
        async with ground(Path(folder)) as place, aiohttp.ClientSession() as http:
            _, tokens = await place.slack()
            _, address = await place.cluster(speed=1)
            people = people_of(http, tokens)
            acks = await ack.compare(place, people, tokens, rounds)
            await place.bot(place.settings(tokens))
            async with aiohttp.ClientSession(address) as api:
                return [*acks, await overhead.compare(people, api, rounds)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ratios to bare counterparts.")
    parser.add_argument("--rounds", type=int, default=5)
    comparisons = asyncio.run(main(parser.parse_args().rounds))
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "load": os.getloadavg()[0]}
    json.dump({"machine": machine, "comparisons": [each.report for each in comparisons]}, sys.stdout, indent=2)
    sys.stdout.write("\n")
    sys.stderr.write(table(comparisons) + "\n")
