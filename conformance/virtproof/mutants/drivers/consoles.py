"""Wrong drivers of consoles, containers and their networks.

What belongs here: mistakes in streams and logs of consoles, in limits, and in leases.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from virtproof.mutants.drivers.base import factory
from virtproof_driver import LibvirtDriver
from virtproof_driver.contract import ConsoleStream, InstanceId
from virtproof_driver.errors import ConsoleEnded, InstanceNotFound
from virtproof_driver.markup.console_logs import place_of
from virtproof_driver.spec import InstanceSpec, VolumeSpec
from virtproof_driver.values import Instance, Lease


class _KeepsLogs(LibvirtDriver):
    """Leaves an instance's logs behind."""

    def destroy(self, uuid: InstanceId) -> None:
        logs: list[str] = []
        with suppress(InstanceNotFound):
            logs = [console.log for console in self.spec(uuid).consoles if console.log is not None]
        super().destroy(uuid)
        for folder, name in map(place_of, logs):
            pool = self.link.call(self.link.connection().storagePoolLookupByTargetPath, folder)
            self.create_volume(pool.name(), VolumeSpec(name=name, capacity_bytes=0))


class _ShowsTheBeginning(LibvirtDriver):
    """Gives the first bytes of a log for the last."""

    def console_output(self, uuid: InstanceId, *, tail: int | None = None) -> bytes:
        return super().console_output(uuid, tail=None if tail is None else max(tail, 1 << 20))[:tail]


class _TakesConsolesOver(LibvirtDriver):
    """Opens every console by force."""

    def console(self, uuid: InstanceId, *, force: bool = False) -> ConsoleStream:
        del force
        return super().console(uuid, force=True)


class _Stream:
    """A console's stream in another's hands."""

    def __init__(self, stream: ConsoleStream) -> None:
        self._stream = stream

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, timeout: float) -> bytes:
        return self._stream.read(timeout)

    def write(self, data: bytes) -> None:
        self._stream.write(data)

    def close(self) -> None:
        self._stream.close()


class _TextStream(_Stream):
    def read(self, timeout: float) -> bytes:
        return super().read(timeout).decode(errors="replace").encode()


class _SilentStream(_Stream):
    def write(self, data: bytes) -> None:
        with suppress(ConsoleEnded):
            super().write(data)


class _TakesBytesForText(LibvirtDriver):
    """Reads a console as text."""

    def console(self, uuid: InstanceId, *, force: bool = False) -> ConsoleStream:
        return _TextStream(super().console(uuid, force=force))


class _TypesIntoTheVoid(LibvirtDriver):
    """Says nothing when a console that has ended is typed to."""

    def console(self, uuid: InstanceId, *, force: bool = False) -> ConsoleStream:
        return _SilentStream(super().console(uuid, force=force))


class _LimitsNothing(LibvirtDriver):
    """Spawns without the limits."""

    def spawn(self, spec: InstanceSpec, *, start: bool = True, paused: bool = False) -> Instance:
        return super().spawn(replace(spec, limits=None), start=start, paused=paused)


class _KnowsNoLeases(LibvirtDriver):
    """Lists no leases."""

    def leases(self, network: str) -> Sequence[Lease]:
        super().leases(network)
        return ()


keeps_logs = factory(_KeepsLogs)
shows_the_beginning = factory(_ShowsTheBeginning)
takes_consoles_over = factory(_TakesConsolesOver)
takes_bytes_for_text = factory(_TakesBytesForText)
types_into_the_void = factory(_TypesIntoTheVoid)
limits_nothing = factory(_LimitsNothing)
knows_no_leases = factory(_KnowsNoLeases)
