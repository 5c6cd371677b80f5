"""A simulated cluster of many nodes and VMs, in a process: python -m tests.bench.big_cluster VMS KUBECONFIG."""

import asyncio
import sys
from pathlib import Path

from bot.sandbox.cluster import ClusterSandbox
from bot.sandbox.cluster.world import load_world

READY = "big cluster ready on "
PER_NODE = 50
NAMESPACE = "crowd"


async def main(vms: int, kubeconfig: Path) -> None:
    """Serve until killed; time stands until somebody sets the clock's speed."""
    world = load_world()
    nodes = range(-(-vms // PER_NODE))
    world["nodes"] += [{"name": f"{side}-{number}", "zone": "rack-z"} for side in ("from", "to") for number in nodes]
    world["namespaces"].append({"name": NAMESPACE})
    world["vms"] = {NAMESPACE: [_vm(number) for number in range(vms)]}
    sandbox = ClusterSandbox(speed=0, world=world)
    await sandbox.start()
    sandbox.write_kubeconfig(kubeconfig)
    sys.stdout.write(f"{READY}{sandbox.url}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _vm(number: int) -> dict[str, object]:
    node = f"from-{number // PER_NODE}"
    return {"name": name(number), "node": node, "disk": "none", "memory": "256Mi", "cores": 1}


def name(number: int) -> str:
    """Of a VM."""
    return f"vm-{number:04}"


def target(number: int) -> str:
    """Where it goes."""
    return f"to-{number // PER_NODE}"


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
