"""What can go wrong between us and the cluster, as one typed tree.

    ClusterError
    ├── Unreachable      no answer, or a 5xx: try again later            (temporary)
    ├── TooMany          429, with the server's Retry-After              (temporary)
    ├── Unauthorized     401: credentials are missing or expired
    ├── Forbidden        403: which verb on which resource is missing
    ├── NotFound         404: the object, by kind and name
    ├── Ambiguous        several VMs of that name, in these namespaces
    ├── Conflict         409, or a failed JSON patch `test` (422): read again
    │   ├── AlreadyExists  409 on create: that name is taken
    │   └── Busy           others write at this very moment, or the VM has not come so far: later (temporary)
    ├── Refused          400/422 by admission: the cluster's own words
    │   └── InFlight       another migration of this VMI is running
    └── Invalid          any other 4xx: our request is wrong

Whether to try again is decided here, where the error is born. Messages are the API server's, shortened; they never hold
URLs, tokens or file paths.
"""

from collections.abc import Sequence

from k8s.snapshots import Ref


class ClusterError(Exception):
    """Base of the tree. `temporary` says that the same call may work later."""

    temporary = False

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class Unreachable(ClusterError):
    """The API server did not answer, or answered 5xx (virt-api down fails every write with 500)."""

    temporary = True


class TooMany(ClusterError):
    """HTTP 429. `retry_after` in seconds, as the server said."""

    temporary = True

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message, code=429)
        self.retry_after = retry_after


class Unauthorized(ClusterError):
    """HTTP 401."""


class Forbidden(ClusterError):
    """HTTP 403. `verb` and `resource` name the missing right, for example `create` on `virtualmachines/start`."""

    def __init__(self, message: str, *, verb: str, resource: str, namespace: str = "") -> None:
        super().__init__(message, code=403)
        self.verb = verb
        self.resource = resource
        self.namespace = namespace


class NotFound(ClusterError):
    """HTTP 404 for one object. `kind` is the API's, for example Node."""

    def __init__(self, kind: str, name: str, namespace: str = "") -> None:
        super().__init__(f'{kind} "{name}" not found', code=404)
        self.kind = kind
        self.name = name
        self.namespace = namespace


class Ambiguous(ClusterError):
    """A VM name without a namespace fits several VMs."""

    def __init__(self, name: str, matches: Sequence[Ref]) -> None:
        super().__init__(f'several VMs are named "{name}"')
        self.name = name
        self.matches = tuple(matches)


class Conflict(ClusterError):
    """HTTP 409, or 422 from a failed JSON patch `test`: somebody else wrote first."""


class AlreadyExists(Conflict):
    """HTTP 409 AlreadyExists on create."""


class Busy(Conflict):
    """Nothing contradicts the write, but the object is not ready for it: others write it, or the VM still stops."""

    temporary = True


class Refused(ClusterError):
    """An admission webhook or the schema said no; `message` is its text without the webhook's prefix."""


class InFlight(Refused):
    """Admission: another migration of this VMI has not ended. `uid` is that VMIM's, as the text names it."""

    def __init__(self, message: str, *, uid: str, code: int = 400) -> None:
        super().__init__(message, code=code)
        self.uid = uid


class Invalid(ClusterError):
    """Any other 4xx."""
