"""The driver under test: loading its factory, its version, and what it claims on a lane.

What belongs here: what a run must know of the subject beyond one case. What does not: the drivers that cases connect
(`case_context`) and how one is recorded (`recording`). A driver that imports libvirt by itself is loaded and called with the
recording binding in the module's place.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import metadata
from typing import Final

from virtproof.lanes.model import Lane
from virtproof.options import REFERENCE_DRIVER
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.loading import load_driver
from virtproof.recording.module_swap import swapped
from virtproof_driver import Capability

ALL: Final = frozenset(Capability)


class Subject:
    """A driver under test. Raises UsageError, naming what is wrong with the spec, when its factory cannot be loaded."""

    def __init__(self, spec: str, recording: RecordingBinding) -> None:
        self.spec = spec
        self._recording = recording
        self._unclaimed: dict[str, frozenset[Capability]] = {}
        with self.in_place():
            self.factory = load_driver(spec)

    @property
    def is_reference(self) -> bool:
        """Whether it is the driver that ships; a lane's manifest speaks for that one."""
        return self.spec == REFERENCE_DRIVER

    @property
    def version(self) -> str:
        """The version of the distribution that its module belongs to; empty for a module that is not installed."""
        package = self.spec.partition(":")[0].partition(".")[0]
        owners = _distributions().get(package, ())
        return metadata.version(owners[0]) if owners else ""

    def in_place(self) -> AbstractContextManager[object]:
        """While this is open, the driver's own `import libvirt` gives the recording binding; the reference driver has none."""
        return nullcontext() if self.is_reference else swapped(self._recording)

    def unclaimed(self, lane: Lane) -> frozenset[Capability]:
        """What the driver does not claim on a lane, asked once; nothing when it cannot even connect, so that its cases fail."""
        if self.is_reference:
            return frozenset()
        if lane.label not in self._unclaimed:
            self._unclaimed[lane.label] = ALL - self._claims(lane)
        return self._unclaimed[lane.label]

    def _claims(self, lane: Lane) -> frozenset[Capability]:
        try:
            with lane.open_case(exclusive=False) as world, self.in_place():
                driver = self.factory(world.uri, binding=lane.binding)
                try:
                    return frozenset(driver.capabilities)
                finally:
                    driver.close()
        except Exception:  # noqa: BLE001 - whatever a foreign driver raises, its own cases will show it
            return ALL


@cache
def _distributions() -> Mapping[str, Sequence[str]]:
    """Which distributions a package is from; kept, because it is read from every file that is installed."""
    return metadata.packages_distributions()
