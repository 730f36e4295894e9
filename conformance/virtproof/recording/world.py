"""The host as it is, seen past the driver under test.

What belongs here: reading a host on a bare connection, and waiting for what it emits. What does not: judging, and the driver.
Every state that a case reads here goes into the evidence as STATE.
"""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from virtproof.evidence import HOST, Kind, Record, on_host
from virtproof.guests.coming_up import await_up
from virtproof.recording import markers
from virtproof.recording.recorder import Recorder
from virtproof_driver.binding import Connection, Domain
from virtproof_driver.constants import ErrorCode, XmlFlag

HostEventTuple = tuple[int, int | str | None, int | str | None]
Id = UUID | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What a host holds under a prefix, by name; a volume is `pool/volume`, a snapshot `domain/snapshot`, a secret its usage."""

    domains: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    def kinds(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """(what, names) for each kind, in the words of LEFTOVER."""
        yield from (
            ("domain", self.domains),
            ("network", self.networks),
            ("pool", self.pools),
            ("volume", self.volumes),
            ("snapshot", self.snapshots),
            ("secret", self.secrets),
        )


class World:
    """An observer of one host.

    `connection` is a bare connection, or a function that gives one where the observer may have to reconnect. `host` is what the
    evidence calls the host, empty for the case's own.
    """

    def __init__(
        self, connection: Connection | Callable[[], Connection], recorder: Recorder, prefix: str, host: str = ""
    ) -> None:
        self._connection = connection
        self.host = host
        self._recorder = recorder
        self._prefix = prefix

    @property
    def connection(self) -> Connection:
        """The bare connection; what is done on it is another client's doing and is not recorded."""
        return self._connection() if callable(self._connection) else self._connection

    @property
    def prefix(self) -> str:
        """What the name of every object of this worker begins with."""
        return self._prefix

    def domain(self, uuid: Id) -> Domain | None:
        """The bare domain, None when it is gone."""
        try:
            return self.connection.lookupByUUIDString(str(uuid))
        except Exception as error:
            if _code(error) == ErrorCode.NO_DOMAIN:
                return None
            raise

    def state(self, uuid: Id) -> tuple[int, int] | None:
        """State and reason now as libvirt's numbers, None when the domain is gone; recorded as STATE."""
        found = self.domain(uuid)
        state = self._read_state(found)
        name = found.name() if found is not None and state is not None else None
        number, reason = state if state is not None else (None, None)
        self._recorder.write(Kind.STATE, uuid=str(uuid), name=name, state=number, reason=reason, **on_host(self.host))
        return state

    def xml(self, uuid: Id, *, inactive: bool = False) -> str:
        """The domain's XML; raises libvirt's own error when it is gone."""
        domain = self.connection.lookupByUUIDString(str(uuid))
        return domain.XMLDesc(XmlFlag.INACTIVE if inactive else 0)

    def events(self, uuid: Id) -> tuple[HostEventTuple, ...]:
        """What the host emitted for the domain since the case began: (event id, event, detail) in order."""
        return _of(self._recorder.records(Kind.EVENT), str(uuid), self.host)

    def wait_event(self, uuid: Id, event: int, detail: int | None = None, timeout: float = 10, *, count: int = 1) -> None:
        """Wait until the host has emitted the lifecycle event `count` times since the case began.

        Raises AssertionError, saying what came instead, when `timeout` seconds pass first.
        """
        self._wait_told(uuid, (0, event, detail), timeout, count)

    def wait_notice(
        self, uuid: Id, event_id: int, event: int | str | None = None, *, timeout: float = 10, count: int = 1
    ) -> None:
        """Wait likewise for an event of another event id; `event` is a device's alias or a job's target, None stands for any."""
        self._wait_told(uuid, (event_id, event, None), timeout, count)

    def wait_state(self, uuid: Id, state: int | None, timeout: float = 10) -> None:
        """Wait until the domain's state is `state` (None: gone), re-reading it whenever the host emits something.

        Raises AssertionError when `timeout` seconds pass first.
        """
        deadline = time.monotonic() + timeout
        while True:
            heard = len(self._recorder.records(Kind.EVENT))
            now = self.state(uuid)
            if (now[0] if now else None) == state:
                return
            left = deadline - time.monotonic()
            if left <= 0 or not self._recorder.wait_for(partial(_more_than, heard), (Kind.EVENT,), left):
                raise AssertionError(f"{uuid} did not reach state {state} within {timeout:g} s; it is {self.state(uuid)}")

    def wait_up(self, uuid: Id, *, boots: int = 1, timeout: float = 10) -> None:
        """Wait until the instance's guest is up and can obey, for the `boots`-th time since its start; see `guests.coming_up`."""
        await_up(self.connection.lookupByUUIDString(str(uuid)), boots=boots, timeout=timeout)

    def inventory(self) -> Inventory:
        """The objects that bear the worker's prefix; kinds that the host does not know are empty."""
        connection: Any = self.connection
        domains = self._named(connection.listAllDomains)
        pools = self._named(connection.listAllStoragePools)
        return Inventory(
            domains=_names(domains),
            networks=_names(self._named(connection.listAllNetworks)),
            pools=_names(pools),
            volumes=tuple(sorted(f"{pool.name()}/{volume.name()}" for pool, volume in self._volumes(connection))),
            snapshots=tuple(sorted(f"{d.name()}/{s.getName()}" for d in domains for s in _listed(d.listAllSnapshots))),
            secrets=tuple(sorted(filter(self._is_own, (s.usageID() for s in _listed(connection.listAllSecrets))))),
        )

    def has_secret(self, uuid: Id) -> bool:
        """Whether the host has the secret."""
        connection: Any = self.connection
        return str(uuid) in {secret.UUIDString() for secret in _listed(connection.listAllSecrets)}

    def touch(self) -> str:
        """Define and undefine a scratch domain past the driver; its UUID. Its events come after all that was queued."""
        return markers.touch(self.connection, self._prefix, self._recorder.number())

    def _wait_told(self, uuid: Id, wanted: HostEventTuple, timeout: float, count: int) -> None:
        def found(records: Sequence[Record]) -> bool:
            return sum(_fits(told, wanted) for told in _of(records, str(uuid), self.host)) >= count

        if not self._recorder.wait_for(found, (Kind.EVENT,), timeout):
            told = self.events(uuid)
            raise AssertionError(f"the host emitted no event {wanted} of {uuid} within {timeout:g} s, but {told}")

    def _named(self, lister: Callable[[], Sequence[Any]]) -> list[Any]:
        return [found for found in _listed(lister) if found.name().startswith(self._prefix)]

    def _is_own(self, name: str) -> bool:
        return name.startswith(self._prefix)

    def _volumes(self, connection: Any) -> Iterator[tuple[Any, Any]]:
        for pool in _listed(connection.listAllStoragePools):
            own = pool.name().startswith(self._prefix)
            for volume in _listed(pool.listAllVolumes):
                if own or volume.name().startswith(self._prefix):
                    yield pool, volume

    def _read_state(self, domain: Domain | None) -> tuple[int, int] | None:
        if domain is None:
            return None
        try:
            state, reason = domain.state()
        except Exception as error:
            if _code(error) == ErrorCode.NO_DOMAIN:
                return None
            raise
        return state, reason


def _fits(told: HostEventTuple, wanted: HostEventTuple) -> bool:
    """Whether an event is the wanted one; None stands for any event or detail."""
    return told[0] == wanted[0] and wanted[1] in (None, told[1]) and wanted[2] in (None, told[2])


def _more_than(heard: int, records: Sequence[Record]) -> bool:
    return len(records) > heard


def _code(error: Exception) -> object:
    code: Callable[[], object] = getattr(error, "get_error_code", lambda: None)
    return code()


def _of(records: Sequence[Record], uuid: str, host: str) -> tuple[HostEventTuple, ...]:
    here = (record.data for record in records if record.data.get(HOST, "") == host)
    found: list[Any] = [data for data in here if data["uuid"] == uuid]
    return tuple((data["id"], data["event"], data["detail"]) for data in found)


def _names(objects: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted(found.name() for found in objects))


def _listed(lister: Callable[[], Sequence[Any]]) -> Sequence[Any]:
    """What the lister gives; nothing where the host refuses (no such API, an inactive pool, gone meanwhile)."""
    with contextlib.suppress(Exception):
        return lister()
    return ()
