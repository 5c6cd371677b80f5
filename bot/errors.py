"""Every refusal that a person may see: a code, what is wrong, and what to do about it.

The sentence carries the person's own words; the remedy is something a tired operator can do. Nothing here holds a stack
trace, a URL, a token or a path. Foreign text (names, the cluster's words) is kept raw: whoever renders it escapes it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches

from k8s import errors as k8s


class BotError(Exception):
    """A refusal with a `code` (stable, kebab-case), `what` is wrong and a `remedy`."""

    def __init__(self, code: str, what: str, remedy: str) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what
        self.remedy = remedy


class NothingToDo(BotError):
    """An answer rather than an error: what was asked for is already so."""


class VmMoving(BotError):
    """Another plan is moving the VM, given as `namespace/name`."""

    def __init__(self, key: str, plan_id: str) -> None:
        super().__init__(
            "vm-busy", f"{key} is being moved already, by plan {plan_id}.", "Wait until that move has ended."
        )
        self.key = key
        self.plan_id = plan_id


class NoBatch(BotError):
    """What only plans of several VMs have."""

    def __init__(self) -> None:
        super().__init__("no-batch", "This plan has one VM only.", "Use the buttons on its card.")


class WhichNamespace(BotError):
    """Several namespaces have a VM of that name, and nobody has said which one is meant."""

    def __init__(self, vm: str, namespaces: Iterable[str]) -> None:
        self.namespaces = tuple(sorted(namespaces))
        named = ", ".join(f"{namespace}/{vm}" for namespace in self.namespaces)
        super().__init__(
            "ambiguous-vm",
            f"Several VMs are named {vm}: {named}.",
            f"Say which one, for example {self.namespaces[0]}/{vm}.",
        )
        self.vm = vm


def nearest(word: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The known names that look most like `word`, best first."""
    return tuple(get_close_matches(word, sorted(set(known)), n=most, cutoff=0.5))


def unknown_name(kind: str, name: str, known: Iterable[str], *, where: str = "") -> BotError:
    """A VM, node or namespace that does not exist, with the nearest ones that do."""
    close = nearest(name, known)
    remedy = f"Did you mean {' or '.join(close)}?" if close else f"Check the name of the {kind}."
    code = f"unknown-{kind.lower()}"
    return BotError(code, f"There is no {kind} named {name}{where}.", remedy)


@contextmanager
def for_people() -> Iterator[None]:
    """Whatever the cluster raises in here is raised as a refusal."""
    try:
        yield
    except k8s.ClusterError as error:
        raise from_cluster(error) from error


def from_cluster(error: k8s.ClusterError) -> BotError:
    """Say an error of the cluster in the words of the bot."""
    match error:
        case k8s.Forbidden():
            right = f"{error.verb} {error.resource}" + (f" in namespace {error.namespace}" if error.namespace else "")
            return BotError(
                "no-permission",
                f"The cluster does not let the bot {right}.",
                f"Ask a cluster admin to grant it “{error.verb}” on {error.resource}.",
            )
        case k8s.Unauthorized():
            return BotError(
                "not-authenticated",
                "The cluster does not accept the bot's credentials.",
                "Renew the bot's service account token or kubeconfig; `vm-migrate-bot check` tells when it works.",
            )
        case k8s.TooMany() | k8s.Unreachable():
            return BotError(
                "cluster-unreachable",
                "The cluster's API server does not answer right now.",
                "Nothing was changed. Try again in a minute; if it stays, check the API server.",
            )
        case k8s.Ambiguous():
            return WhichNamespace(error.name, {ref.namespace for ref in error.matches})
        case k8s.NotFound():
            where = f" in namespace {error.namespace}" if error.namespace else ""
            return BotError(
                "not-found",
                f"There is no {error.kind} named {error.name}{where}.",
                "It may have been deleted just now.",
            )
        case k8s.Conflict():
            return BotError("conflict", "Somebody else changed it at the same moment.", "Look again and repeat it.")
        case _:
            return BotError(
                "refused",
                f"The cluster refused it: {error.message}",
                "Its reason above names what is in the way.",
            )
