"""The lanes of one process: each provisioned at its first case and kept until the session ends.

What belongs here: which lanes were asked for, and having each once. What does not: provisioning (`lanes`). A lane that cannot
be had is tried once; every case on it says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from virtproof.backends.loading import load_all
from virtproof.backends.model import Backend
from virtproof.backends.suites import of_suite
from virtproof.errors import LaneUnavailable, UsageError
from virtproof.lanes import provision
from virtproof.lanes.model import Lane, Worker, label_of
from virtproof.options import Options
from virtproof.recording.recorder import Recorder


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneKey:
    """A lane as asked for; `label` names it in reports and in pytest's ids."""

    backend: Backend
    transport: str

    @property
    def label(self) -> str:
        """`test`, or `test-rpc/unix` where the backend has several transports."""
        return label_of(self.backend, self.transport)


def lane_keys(options: Options) -> tuple[LaneKey, ...]:
    """The lanes of a session: each backend on the transports asked for that it has, on its first when none was asked for.

    Raises UsageError for a backend that cannot be loaded or has no suite that was asked for, and for a transport that no backend
    has.
    """
    loaded = load_all(options.backends)
    backends = tuple(of_suite(backend, options.suite) for backend in loaded) if options.suite else loaded
    known = {transport for backend in backends for transport in backend.transports}
    unknown = sorted(set(options.transports) - known)
    if unknown:
        raise UsageError(f"transport {unknown[0]!r}: these backends have {', '.join(sorted(known))}")
    wanted = [(backend, transport) for backend in backends for transport in _transports(backend, options.transports)]
    return tuple(LaneKey(backend=backend, transport=transport) for backend, transport in wanted)


def _transports(backend: Backend, wanted: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in backend.transports if each in wanted) or backend.transports[:1]


class LanePool:
    """Provisions lanes for one worker and closes them together."""

    def __init__(self, worker: Worker, recorder: Recorder, *, allow_host: bool) -> None:
        self._worker = worker
        self._recorder = recorder
        self._allow_host = allow_host
        self._lanes: dict[str, Lane | LaneUnavailable] = {}

    @property
    def unavailable(self) -> tuple[str, ...]:
        """A line for each lane that could not be had."""
        return tuple(str(lane) for lane in self._lanes.values() if isinstance(lane, LaneUnavailable))

    def lane(self, key: LaneKey) -> Lane:
        """The lane, provisioned and recorded at the first call. Raises LaneUnavailable, the same at each call."""
        if key.label not in self._lanes:
            self._lanes[key.label] = self._provisioned(key)
        found = self._lanes[key.label]
        if isinstance(found, LaneUnavailable):
            raise found
        return found

    def close(self) -> None:
        """Remove what bears the worker's prefix, and close every lane."""
        for lane in self._lanes.values():
            if not isinstance(lane, LaneUnavailable):
                lane.reap()
                lane.close()

    def _provisioned(self, key: LaneKey) -> Lane | LaneUnavailable:
        try:
            lane = provision(key.backend, key.transport, self._worker, allow_host=self._allow_host)
        except LaneUnavailable as error:
            return error
        self._recorder.write_lane(key.label, **_facts(lane))
        return lane


def _facts(lane: Lane) -> Mapping[str, object]:
    return {
        "backend": lane.backend.name,
        "basis": lane.backend.basis.value,
        "transport": lane.transport,
        "versions": dict(lane.versions),
        "fingerprint": lane.fingerprint,
        "uri": lane.backend.uri,
    }
