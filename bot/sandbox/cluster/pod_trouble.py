"""What keeps a pod from coming up on its node, as the kubelet and its neighbours tell it.

Sources: kubernetes pkg/kubelet (container states, FailedCreatePodSandBox) and pkg/controller/volume/attachdetach
(FailedAttachVolume), 1.34; multus pkg/k8sclient and pkg/multus (NoNetworkFound, the words inside of the sandbox's
error; seen so in multus-cni issue 1361); kubevirt pkg/virt-controller/services (launchers never restart). The
recordings show none of these.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from bot.sandbox.cluster.objects import Obj, dig, key_of, uid_of
from bot.sandbox.cluster.resources import PVC
from bot.sandbox.cluster.store import Store

SIGKILL = 137
NETWORK = "blue"
"""The NetworkAttachmentDefinition that is not there."""


class Told(NamedTuple):
    """A warning event about the pod."""

    reason: str
    message: str
    component: str


class Trouble(NamedTuple):
    """A state of the containers that stays, and what is told of it."""

    waiting: Obj
    events: Callable[[Obj, Store], Iterable[Told]]


def _no_events(_pod: Obj, _store: Store) -> Iterable[Told]:
    return ()


def _no_network(pod: Obj, _store: Store) -> Iterable[Told]:
    """Multus tells it once itself, and the kubelet once more around it."""
    namespace, name = key_of(pod)
    missing = f'network-attachment-definitions.k8s.cni.cncf.io "{NETWORK}" not found'
    words = f"cannot find a network-attachment-definition ({NETWORK}) in namespace ({namespace}): {missing}"
    yield Told("NoNetworkFound", words, "multus")
    who = f"{namespace}/{name}/{uid_of(pod)}"
    yield Told(
        "FailedCreatePodSandBox",
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "0": '
        'plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI request failed with '
        f"status 400: ERRORED: error configuring pod [{namespace}/{name}] networking: Multus: [{who}]: error loading "
        f"k8s delegates k8s args: TryLoadPodDelegates: error in getting k8s network for pod: {words}",
        "kubelet",
    )


def _not_attached(pod: Obj, store: Store) -> Iterable[Told]:
    """A volume for one node is refused as long as another one has it; any other fails in its driver."""
    namespace = key_of(pod)[0]
    for volume in pod["spec"].get("volumes") or []:
        claim = store.peek(PVC, namespace, dig(volume, "persistentVolumeClaim", "claimName", default=""))
        if claim is None:
            continue
        name = f'volume "{dig(claim, "spec", "volumeName", default="")}"'
        if "ReadWriteMany" in claim["spec"]["accessModes"]:
            why = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
            words = f"AttachVolume.Attach failed for {name} : {why}"
        else:
            why = "Volume is already exclusively attached to one node and can't be attached to another"
            words = f"Multi-Attach error for {name} {why}"
        yield Told("FailedAttachVolume", words, "attachdetach-controller")


BLOCKED: dict[str, Trouble] = {
    "image-pull": Trouble({"reason": "ImagePullBackOff", "message": "Back-off pulling image"}, _no_events),
    "network": Trouble({"reason": "PodInitializing"}, _no_network),
    "volume": Trouble({"reason": "PodInitializing"}, _not_attached),
}
"""By the word of the fault. With init containers all others wait as PodInitializing."""


def killed_for_memory(pod: Obj, now: str) -> None:
    """The kernel kills what is in the container, and it is not started again: the pod has failed."""
    pod["status"]["phase"] = "Failed"
    ready = ("Ready", "ContainersReady")
    for condition in dig(pod, "status", "conditions", default=[]):
        if condition["type"] in ready:
            condition |= {"status": "False", "reason": "PodFailed", "lastTransitionTime": now}
    set_containers(pod, {"terminated": {"exitCode": SIGKILL, "reason": "OOMKilled", "finishedAt": now}})


def set_containers(pod: Obj, state: Obj) -> None:
    """All containers of a launcher share one fate."""
    sides = {"containers": "containerStatuses", "initContainers": "initContainerStatuses"}
    for containers, statuses in sides.items():
        if pod["spec"].get(containers):
            pod["status"][statuses] = [_container(pod, c, state) for c in pod["spec"][containers]]


def _container(pod: Obj, container: Obj, state: Obj) -> Obj:
    running = "running" in state
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": container["image"],
        "containerID": f"cri-o://{pod['metadata']['uid']}-{container['name']}",
        "state": state,
        "lastState": {},
        "ready": running,
        "started": running,
        "restartCount": 0,
    }
