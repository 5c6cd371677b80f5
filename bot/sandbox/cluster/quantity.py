"""Kubernetes resource quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/)."""

from decimal import Decimal
from functools import lru_cache

_SUFFIXES = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


@lru_cache(maxsize=4096)
def parse_quantity(text: str | int | float) -> Decimal:
    """``"1500m"`` -> 1.5, ``"2Gi"`` -> 2147483648. Raises ``ValueError`` on anything else."""
    raw = str(text).strip()
    digits = raw.rstrip("mkMGTKi")
    try:
        return Decimal(digits) * _SUFFIXES[raw[len(digits) :]]
    except (ArithmeticError, KeyError) as error:
        raise ValueError(f"not a quantity: {text!r}") from error


def format_cpu(cores: Decimal) -> str:
    millis = int(cores * 1000)
    return str(millis // 1000) if millis % 1000 == 0 else f"{millis}m"


def format_bytes(amount: Decimal) -> str:
    """The largest binary unit that divides the amount, as the API server prints memory."""
    whole = int(amount)
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        unit = int(_SUFFIXES[suffix])
        if whole and whole % unit == 0:
            return f"{whole // unit}{suffix}"
    return str(whole)
