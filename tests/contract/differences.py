"""Every known difference between the simulation and the recordings, each with its reason. Nothing else may differ.

A key of ``FACETS`` is (recording, facet), with ``time`` as the facet for the moments of a whole recording; one of
``EVENTS`` is (recording, words in the event). An entry that excuses nothing any more fails the suite.
"""

_BACK_OFF = "the back-off has up to half its length in chance: 13 s were recorded, another draw was made here"
_HISTORY = "the VM's story before the recording is not rebuilt in full: other finished pods and migrations"
_BEATS = "when heartbeats fall relative to the scenario's beginning is chance"
_RACE = "a race of two caches in the real controllers; here a controller sees its neighbour's last write"

FACETS: dict[tuple[str, str], str] = {
    ("cold-unschedulable", "time"): _BACK_OFF,
    ("cold-unschedulable-stop-start", "VirtualMachineInstance#1 active pods"): _HISTORY,
    ("cold-unschedulable-stop-start", "VirtualMachine#1 Ready"): _RACE,
    ("cold-unschedulable-stop-start", "VirtualMachineInstance#2 Ready"): _RACE,
    ("drain", "time"): _BEATS,
    ("drain-completed", "VirtualMachineInstance#1 active pods"): _HISTORY,
    ("drain-completed", "VirtualMachineInstance#1 migration"): _HISTORY,
    ("drain-completed", "time"): "the source pod ends 0.4 s earlier, so the drain's third try finds it finished",
    ("live-limit", "time"): "which waiting migration gets a free slot is chance; the other one was first there",
    ("node-death", "time"): _BEATS,
    ("rollout-stage", "VirtualMachineInstance#2 placement"): _RACE,
}

EVENTS: dict[tuple[str, str], str] = {
    ("vm-deleted", "Migration target pod was removed during active migration."): _RACE,
}

ERRORS: dict[str, str] = {}

WORLD: dict[str, str] = {
    r"\.spec\.(c|initC)ontainers\[\]\.(args|command|env|image|security|terminationMessage|volumeMounts)": (
        "how a launcher's containers are run is left out: nothing here runs, and nobody who moves a VM reads it"
    ),
    r"\.spec\.securityContext": "the same for the pod",
    r"\.spec\.volumes\[\]\.emptyDir": "a launcher's scratch volumes are left out; claims are there",
}
"""Pattern of a field's path -> why one side has it and the other has not."""
