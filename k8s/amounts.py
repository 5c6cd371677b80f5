"""Kubernetes quantities, and what a pod asks of a node.

Amounts are whole numbers, so that sums are exact: `cpu` in thousandths of a CPU, everything else in its own unit
(bytes, pods, devices).
"""

import re
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal, InvalidOperation

from k8s.snapshots import Amounts, Json

CPU = "cpu"
MEMORY = "memory"
PODS = "pods"

_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_SUFFIXES: Mapping[str, Decimal] = {
    **{suffix: Decimal(1024) ** power for power, suffix in enumerate(_BINARY, start=1)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(_DECIMAL, start=-3)},
}
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]{0,2})")


def quantity(text: str, per_unit: int = 1) -> int:
    """A Kubernetes quantity such as `2Gi` or `1500m` as a whole number, rounded up as Kubernetes does.

    `per_unit` 1000 gives thousandths. Raises ValueError for anything else than a quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] not in _SUFFIXES:
        raise ValueError(f"not a quantity: {text!r}")
    try:
        value = Decimal(match[1]) * _SUFFIXES[match[2]] * per_unit
    except InvalidOperation:
        raise ValueError(f"not a quantity: {text!r}") from None
    return int(value.to_integral_value(rounding=ROUND_CEILING))


def amounts(raw: Mapping[str, object]) -> Amounts:
    """A resource list of the API. CPU is counted in thousandths also under a quota's names (`requests.cpu`)."""
    return {name: quantity(str(value), 1000 if _is_cpu(name) else 1) for name, value in raw.items()}


def total(parts: Iterable[Amounts]) -> Amounts:
    """The sum, resource by resource."""
    summed: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            summed[name] = summed.get(name, 0) + value
    return summed


def of_pod(spec: Json, kind: str) -> Amounts:
    """What a pod's `requests` or `limits` are for the scheduler and for quota.

    k8s.io/component-helpers resource/helpers.go: containers and sidecars together, or the largest init container with
    the sidecars that run beside it, plus the runtime's overhead; requests given for the pod as a whole win.
    """
    sidecars: list[Amounts] = []
    starting: list[Amounts] = []
    for container in spec.get("initContainers") or ():
        asked = _asked(container, kind)
        if container.get("restartPolicy") == "Always":
            sidecars.append(asked)
            starting.append(total(sidecars))
        else:
            starting.append(total([*sidecars, asked]))
    running = total([*(_asked(container, kind) for container in spec.get("containers") or ()), *sidecars])
    largest = dict(running)
    for needed in starting:
        largest |= {name: max(value, largest.get(name, 0)) for name, value in needed.items()}
    return total([{**largest, **_asked(spec, kind)}, amounts(spec.get("overhead") or {})])


def _asked(owner: Json, kind: str) -> Amounts:
    return amounts((owner.get("resources") or {}).get(kind) or {})


def _is_cpu(name: str) -> bool:
    return name in (CPU, "requests.cpu", "limits.cpu")
