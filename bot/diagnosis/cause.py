"""What a diagnosis says."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class WayOn(StrEnum):
    """What people can do next with one click. Each leads to a fresh plan card, never to a silent second run."""

    AGAIN = "again"
    """The same move once more."""
    OTHER_NODE = "other node"
    COLD = "cold"


class Cause(BaseModel):
    """Why a move failed or does not come on. `evidence` quotes the cluster and is escaped by whoever renders it."""

    model_config = ConfigDict(frozen=True)

    code: str
    """Stable; also the name of the cause's runbook."""
    what: str
    remedy: str
    evidence: tuple[str, ...] = ()
    ways: tuple[WayOn, ...] = (WayOn.AGAIN,)
    """The safest first."""

    def spoken_for(self, cli: str) -> "Cause":
        """With the command that people have on their cluster; what the cluster said stays as it is."""
        return self.model_copy(update={"remedy": self.remedy.replace("kubectl ", f"{cli} ")})
