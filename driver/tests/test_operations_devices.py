"""Attaching, detaching and growing, over a hypervisor in memory that does as libvirt 11.3.0 was measured to do."""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest

from virtproof_driver.actions import DeviceKind, DeviceName
from virtproof_driver.constants import Affect, DomainState, XmlFlag
from virtproof_driver.edge.waits import Waits
from virtproof_driver.errors import (
    Busy,
    DeviceExists,
    DeviceNotFound,
    HypervisorError,
    InstanceNotFound,
    InvalidSpec,
    InvalidState,
    OperationTimeout,
    VolumeNotFound,
)
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.attached import device_xml, find_device, name_of
from virtproof_driver.markup.domain import domain_xml, parse_domain
from virtproof_driver.markup.names import INSTANCE_NS, PREFIX
from virtproof_driver.operations import deadlines, devices, extending, settling
from virtproof_driver.spec import Disk, FileSource, InstanceSpec, Interface, NewVolume, VolumeSource
from virtproof_driver.values import DeviceEvent, DeviceEventKind, EventKind, LifecycleEvent

if TYPE_CHECKING:
    from virtproof_driver.link import Expectation, Link, Wait

P = ParamSpec("P")
T = TypeVar("T")
MIB = 1 << 20
UUID_A = UUID(int=10)
ROOT = Disk(target="vda", source=FileSource(path="/root.img"), read_only=True)
SPEC = InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=32, disks=(ROOT,))
NEW = Disk(target="vdb", source=NewVolume(pool="p", volume="n", capacity_bytes=MIB))
OLD = Disk(target="vdb", source=VolumeSource(pool="p", volume="v"))
NIC = Interface(mac="52:54:00:00:00:01", network="n", model=None)
VDB = DeviceName(kind=DeviceKind.DISK, key="vdb")


class Volume:
    def __init__(self, name: str, capacity: int) -> None:
        self._name, self.capacity = name, capacity

    def name(self) -> str:
        return self._name

    def info(self) -> tuple[int, int, int]:
        return 0, self.capacity, 0

    def resize(self, capacity: int) -> int:
        self.capacity = capacity
        return 0


class Machine:
    """A domain and its host's only pool and network, as far as changing devices goes."""

    def __init__(self, spec: InstanceSpec = SPEC, *, running: bool = True, persistent: bool = True) -> None:
        self.running, self.persistent, self.gone = running, persistent, False
        self.live, self.config = (ET.fromstring(domain_xml(spec, QEMU)) for _ in range(2))
        self.volumes = {"v": Volume("v", MIB)}
        self.answer: Callable[[str], None] = self.release
        self.before: Callable[[str], None] = lambda _method: None
        self.waits = Waits(lambda: 0.0)
        self.said: list[tuple[str, int]] = []

    # --- virDomain ------------------------------------------------------------------------------------

    def name(self) -> str:
        return "a"

    def state(self) -> tuple[int, int]:
        self._check()
        return (DomainState.RUNNING if self.running else DomainState.SHUTOFF), 1

    def isPersistent(self) -> int:
        return int(self.persistent)

    def hasManagedSaveImage(self) -> int:
        return 0

    def XMLDesc(self, flags: int = 0) -> str:
        self._check()
        live = self.running and not (self.persistent and flags & XmlFlag.INACTIVE)
        return ET.tostring(self.live if live else self.config, encoding="unicode")

    def attachDeviceFlags(self, xml: str, flags: int) -> int:
        roots = self._change("attach", flags)
        if "refused" in xml:
            raise HypervisorError(1, 10, "Failed to get write lock")
        for number, root in enumerate(roots):
            device = ET.fromstring(xml)
            if root is self.live:
                ET.SubElement(device, "alias", name=f"alias{number}")
            root.find("devices").append(device)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        return 0

    def detachDeviceFlags(self, xml: str, flags: int) -> int:
        root = self._change("detach", flags)[0]
        wanted = ET.fromstring(xml)
        found = next((each for each in root.iterfind(f"devices/{wanted.tag}") if _key(each) == _key(wanted)), None)
        if found is None:
            raise DeviceNotFound(_key(wanted))
        if root is self.live:
            self.answer(_key(wanted))
        else:
            root.find("devices").remove(found)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
        return 0

    def setMetadata(self, _kind: int, text: str, prefix: str, uri: str, flags: int) -> int:
        assert (prefix, uri) == (PREFIX, INSTANCE_NS)
        for root in self._change("note", flags):
            note = ET.fromstring(text)
            for element in note.iter():
                element.tag = f"{{{uri}}}{element.tag}"
            holder = root.find("metadata")
            assert holder is not None
            for old in holder.findall(f"{{{uri}}}instance"):
                holder.remove(old)
            holder.append(note)
        return 0

    def blockInfo(self, _target: str) -> tuple[int, int, int]:
        return MIB, 0, 0

    def blockResize(self, target: str, size: int, flags: int) -> int:
        self.said.append((f"resize {target} {size}", flags))
        return 0

    # --- the host -------------------------------------------------------------------------------------

    def networkLookupByName(self, name: str) -> str:
        return name

    def storagePoolLookupByName(self, _name: str) -> "Machine":
        return self

    def storageVolLookupByName(self, name: str) -> Volume:
        if name not in self.volumes:
            raise VolumeNotFound(name)
        return self.volumes[name]

    def storageVolLookupByPath(self, path: str) -> Volume:
        raise VolumeNotFound(path)

    # --- what a test does -----------------------------------------------------------------------------

    def release(self, key: str, kind: DeviceEventKind = DeviceEventKind.REMOVED) -> None:
        """The guest answers: the device goes, or with another kind stays."""
        holder = self.live.find("devices")
        assert holder is not None
        device = next(each for each in holder if _key(each) == key)
        if kind is DeviceEventKind.REMOVED:
            holder.remove(device)
        alias = device.find("alias")
        self.waits.tell(
            DeviceEvent(uuid=UUID_A, name="a", alias="" if alias is None else alias.get("name", ""), kind=kind, stamp=1.0)
        )

    def stop(self) -> None:
        self.running, self.gone = False, not self.persistent
        self.waits.tell(LifecycleEvent(uuid=UUID_A, name="a", kind=EventKind.STOPPED, reason="destroyed", stamp=1.0))

    def targets(self) -> tuple[list[str], list[str]]:
        """What the running domain and what the definition has."""
        live, config = ([_key(each) for each in root.iterfind("devices/*") if _key(each)] for root in (self.live, self.config))
        return live, config

    def _check(self) -> None:
        if self.gone:
            raise InstanceNotFound(str(UUID_A))

    def _change(self, method: str, flags: int) -> list[ET.Element]:
        self.before(method)
        self._check()
        self.said.append((method, flags))
        if (flags & Affect.LIVE and not self.running) or (flags & Affect.CONFIG and not self.persistent) or not flags:
            raise InvalidState("Requested operation is not valid")
        return [root for flag, root in ((Affect.LIVE, self.live), (Affect.CONFIG, self.config)) if flags & flag]


def _key(device: ET.Element) -> str:
    found = device.find("mac" if device.tag == "interface" else "target")
    return "" if found is None else found.get("address") or found.get("dev") or ""


class FakeLink:
    """A link to the machine, with the real waits."""

    hypervisor = QEMU
    refusals: Mapping[Any, str] = {}

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def connection(self) -> Machine:
        return self.machine

    def domain(self, uuid: UUID) -> Machine:
        if uuid != UUID_A:
            raise InstanceNotFound(str(uuid))
        return self.machine

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def forget(self, uuid: UUID) -> None:
        """It keeps nothing."""

    def expect(self, uuid: UUID, awaited: "Expectation[T]") -> "AbstractContextManager[Wait[T]]":
        return self.machine.waits.armed(uuid, awaited)

    @contextmanager
    def turn(self, _uuid: UUID) -> Generator[None]:
        yield


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guests of these tests have answered when the call returns, or never will."""
    monkeypatch.setattr(deadlines, "RELEASE", 0.0)


def link_to(machine: Machine) -> "Link":
    return cast("Link", cast("object", FakeLink(machine)))


def spec_of(machine: Machine) -> InstanceSpec:
    return parse_domain(machine.XMLDesc(XmlFlag.INACTIVE))


# --- attaching -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("running", "persistent", "affect"),
    [(True, True, Affect.LIVE | Affect.CONFIG), (False, True, Affect.CONFIG), (True, False, Affect.LIVE)],
    ids=["running", "off", "transient"],
)
def test_what_there_is_is_changed(running: bool, persistent: bool, affect: Affect) -> None:
    machine = Machine(running=running, persistent=persistent)
    devices.attach_volume(link_to(machine), UUID_A, OLD)
    assert machine.said == [("note", affect), ("attach", affect)]
    assert spec_of(machine).disks == (ROOT, OLD)


def test_an_instance_that_stops_meanwhile_gets_it_in_its_definition() -> None:
    machine = Machine()
    machine.before = lambda method: setattr(machine, "running", machine.running and method != "attach")
    devices.attach_volume(link_to(machine), UUID_A, OLD)
    assert machine.said[-1] == ("attach", Affect.CONFIG)
    assert spec_of(machine).disks == (ROOT, OLD)


def test_what_is_left_to_the_host_stays_so_in_the_spec() -> None:
    machine = Machine()
    devices.attach_interface(link_to(machine), UUID_A, NIC)
    assert spec_of(machine).interfaces == (NIC,)


@pytest.mark.parametrize("place", [Affect.LIVE, Affect.CONFIG])
def test_a_name_that_is_taken_anywhere_is_refused_and_nothing_done(place: Affect) -> None:
    machine = Machine()
    machine.attachDeviceFlags(device_xml(OLD), place)
    machine.said.clear()
    with pytest.raises(DeviceExists) as refused:
        devices.attach_volume(link_to(machine), UUID_A, OLD)
    assert (refused.value.key, machine.said) == ("vdb", [])


def test_another_client_that_was_first_is_told_by_the_same_error() -> None:
    machine = Machine()

    def race(method: str) -> None:
        machine.before = lambda _method: None
        if method == "note":
            machine.before = race
        elif method == "attach":
            machine.attachDeviceFlags(device_xml(OLD), Affect.LIVE)
            raise InvalidSpec("xml", "target 'vdb' duplicated")

    machine.before = race
    with pytest.raises(DeviceExists):
        devices.attach_volume(link_to(machine), UUID_A, OLD)
    assert spec_of(machine) == SPEC


def test_an_attach_that_fails_takes_its_note_back() -> None:
    machine = Machine()
    machine.volumes["refused"] = Volume("refused", MIB)
    with pytest.raises(HypervisorError, match="write lock"):
        devices.attach_volume(link_to(machine), UUID_A, Disk(target="vdb", source=VolumeSource(pool="p", volume="refused")))
    assert spec_of(machine) == SPEC


@pytest.mark.parametrize(
    ("disk", "error"),
    [
        (Disk(target="vdb", source=VolumeSource(pool="p", volume="no")), VolumeNotFound),
        (Disk(target="vdb", source=ROOT.source), InvalidSpec),
        (Disk(target="vdb", source=None), InvalidSpec),
        (Disk(target="nonsense", source=ROOT.source), InvalidSpec),
    ],
    ids=["no volume", "own source", "nothing", "no target"],
)
def test_what_cannot_be_attached_changes_nothing(disk: Disk, error: type[Exception]) -> None:
    machine = Machine(running=False)
    with pytest.raises(error):
        devices.attach_volume(link_to(machine), UUID_A, disk)
    assert (machine.said, spec_of(machine)) == ([], SPEC)


def test_a_domain_that_refuses_for_a_moment_after_its_start_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, link = Machine(), FakeLink(Machine())
    link.machine, link.hypervisor = machine, replace(QEMU, settles=True)
    refusals = iter([True, True, False])

    def refuse(method: str) -> None:
        if method == "attach" and next(refusals):
            raise InvalidState("until init PID is known")

    machine.before = refuse
    monkeypatch.setattr(settling, "PAUSE_SECONDS", 0.0)
    devices.attach_volume(cast("Link", cast("object", link)), UUID_A, OLD)
    assert spec_of(machine).disks == (ROOT, OLD)
    assert next(refusals, None) is None


@pytest.mark.parametrize("settles", [True, False])
def test_what_is_refused_for_good_is_raised(settles: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, link = Machine(), FakeLink(Machine())
    link.machine, link.hypervisor = machine, replace(QEMU, settles=settles)
    asked: list[str] = []

    def refuse(method: str) -> None:
        asked.append(method)
        if method == "attach":
            raise InvalidState("network is not active")

    machine.before = refuse
    monkeypatch.setattr(settling, "PAUSE_SECONDS", 0.0)
    with pytest.raises(InvalidState, match="not active"):
        devices.attach_volume(cast("Link", cast("object", link)), UUID_A, OLD)
    assert asked.count("attach") == (settling.MOST_PAUSES + 1 if settles else 1)
    assert spec_of(machine) == SPEC


# --- detaching -------------------------------------------------------------------------------------------


def attached(device: Disk | Interface = OLD) -> Machine:
    machine = Machine()
    if isinstance(device, Disk):
        devices.attach_volume(link_to(machine), UUID_A, device)
    else:
        devices.attach_interface(link_to(machine), UUID_A, device)
    machine.said.clear()
    return machine


def test_the_guest_releases_it_before_the_definition_loses_it() -> None:
    machine = attached()
    devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert machine.said == [("detach", Affect.LIVE), ("detach", Affect.CONFIG), ("note", Affect.LIVE | Affect.CONFIG)]
    assert spec_of(machine) == SPEC


def test_an_interface_is_told_by_its_address_in_any_case() -> None:
    machine = attached(NIC)
    devices.detach_interface(link_to(machine), UUID_A, NIC.mac.upper())
    assert spec_of(machine) == SPEC


def test_a_deaf_guest_keeps_it_in_both_and_a_late_release_leaves_the_rest_to_a_second_call() -> None:
    machine = attached()
    machine.answer = lambda _key: None
    for _ in range(2):
        with pytest.raises(OperationTimeout, match="disk 'vdb'"):
            devices.detach_volume(link_to(machine), UUID_A, "vdb")
        assert machine.targets() == (["vda", "vdb"], ["vda", "vdb"])
        assert spec_of(machine).disks == (ROOT, OLD)
    machine.release("vdb")
    assert machine.targets() == (["vda"], ["vda", "vdb"])
    devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert machine.targets() == (["vda"], ["vda"])


def test_an_event_that_was_lost_is_found_by_one_read() -> None:
    machine = attached()
    lost = Waits(lambda: 0.0)

    def silently(key: str) -> None:
        heard, machine.waits = machine.waits, lost
        machine.release(key)
        machine.waits = heard

    machine.answer = silently
    devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert spec_of(machine) == SPEC


def test_a_guest_that_refuses_keeps_it() -> None:
    machine = attached()
    machine.answer = lambda key: machine.release(key, DeviceEventKind.REMOVAL_FAILED)
    with pytest.raises(Busy, match="refuses to release"):
        devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert spec_of(machine).disks == (ROOT, OLD)


@pytest.mark.parametrize("persistent", [True, False], ids=["off", "gone"])
def test_an_instance_that_ends_meanwhile_has_released_it(persistent: bool) -> None:
    machine = Machine(persistent=persistent)
    devices.attach_volume(link_to(machine), UUID_A, OLD)
    machine.answer = lambda _key: machine.stop()
    devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert machine.gone is not persistent
    assert not persistent or machine.targets()[1] == ["vda"]


@pytest.mark.parametrize("place", [Affect.LIVE, Affect.CONFIG])
def test_either_place_is_enough(place: Affect) -> None:
    machine = Machine()
    machine.attachDeviceFlags(device_xml(OLD), place)
    devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert machine.targets() == (["vda"], ["vda"])


@pytest.mark.parametrize("running", [True, False])
def test_what_is_nowhere_is_not_found(running: bool) -> None:
    machine = Machine(running=running)
    with pytest.raises(DeviceNotFound) as missing:
        devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert (missing.value.key, machine.said) == ("vdb", [])


@pytest.mark.parametrize("change", [devices.detach_volume, devices.detach_interface])
def test_an_unknown_instance_is_not_found(change: "Callable[[Link, UUID, str], None]") -> None:
    with pytest.raises(InstanceNotFound):
        change(link_to(Machine()), UUID(int=1), NIC.mac)


def test_a_refusal_is_told_while_the_guest_has_it_still() -> None:
    machine = attached()

    def broken(_key: str) -> None:
        raise HypervisorError(1, 10, "broken")

    machine.answer = broken
    with pytest.raises(HypervisorError, match="broken"):
        devices.detach_volume(link_to(machine), UUID_A, "vdb")
    assert find_device(machine.XMLDesc(), name_of(OLD)) is not None


# --- growing ----------------------------------------------------------------------------------------------


def test_a_running_disk_grows_through_the_hypervisor_and_its_spec_tells() -> None:
    machine = Machine()
    machine.attachDeviceFlags(device_xml(NEW), Affect.LIVE | Affect.CONFIG)
    machine.setMetadata(
        2, "<instance><disk target='vdb' pool='p' volume='n' capacity='1048576'/></instance>", PREFIX, INSTANCE_NS, 3
    )
    machine.said.clear()
    extending.extend_volume(link_to(machine), UUID_A, "vdb", 2 * MIB)
    assert machine.said == [(f"resize vdb {2 * MIB}", 1), ("note", Affect.LIVE | Affect.CONFIG)]
    grown = NewVolume(pool="p", volume="n", capacity_bytes=2 * MIB)
    assert [disk.source for disk in spec_of(machine).disks if disk.target == "vdb"] == [grown]


def test_a_disk_of_an_instance_that_is_off_grows_in_its_pool() -> None:
    machine = attached()
    machine.running = False
    extending.extend_volume(link_to(machine), UUID_A, "vdb", 2 * MIB)
    assert (machine.volumes["v"].capacity, machine.said) == (2 * MIB, [])


@pytest.mark.parametrize("running", [True, False])
def test_the_size_that_it_has_changes_nothing(running: bool) -> None:
    machine = attached()
    machine.running = running
    extending.extend_volume(link_to(machine), UUID_A, "vdb", MIB)
    assert (machine.volumes["v"].capacity, machine.said) == (MIB, [])


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(
    ("target", "size", "error"),
    [
        ("vdb", MIB // 2, InvalidSpec),
        ("vdb", MIB + 100, InvalidSpec),
        ("vdb", 0, InvalidSpec),
        ("vda", 2 * MIB, InvalidState),
        ("vdz", 2 * MIB, DeviceNotFound),
    ],
    ids=["smaller", "part of a sector", "nothing", "read-only", "missing"],
)
def test_what_cannot_grow_is_refused(running: bool, target: str, size: int, error: type[Exception]) -> None:
    machine = attached()
    machine.running = running
    with pytest.raises(error):
        extending.extend_volume(link_to(machine), UUID_A, target, size)
    assert (machine.volumes["v"].capacity, machine.said) == (MIB, [])


def test_an_image_outside_all_pools_cannot_grow_while_the_instance_is_off() -> None:
    machine = Machine(running=False)
    machine.attachDeviceFlags(device_xml(Disk(target="vdb", source=FileSource(path="/b"))), Affect.CONFIG)
    with pytest.raises(InvalidState, match="start the instance"):
        extending.extend_volume(link_to(machine), UUID_A, "vdb", 2 * MIB)
