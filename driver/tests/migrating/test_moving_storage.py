"""What belongs to an instance moves with it: made where it is missing, and taken from the source only where it was made."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast
from uuid import UUID

import pytest

from virtproof_driver.actions import CreateVolume, DeleteLog, DiscardVolume, MakeLog
from virtproof_driver.errors import HypervisorError, StoragePoolNotFound, VolumeNotFound
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.migration import MigrationMode, MigrationStorage
from virtproof_driver.operations.moving_storage import Belongings, belongings, parted_with
from virtproof_driver.plans import Step
from virtproof_driver.spec import Console, Disk, DiskDevice, DiskFormat, FileSource, InstanceSpec, NewVolume, VolumeSource

if TYPE_CHECKING:
    from virtproof_driver.link import Link

P = ParamSpec("P")
T = TypeVar("T")
UUID_A = UUID(int=10)
OWN = Disk(target="vda", source=NewVolume(pool="p", volume="root", capacity_bytes=1))
BORROWED = Disk(target="vdb", source=VolumeSource(pool="p", volume="data"), format=DiskFormat.QCOW2)
FILE = Disk(target="vdc", source=FileSource(path="/p/file"))
OUTSIDE = Disk(target="vdd", source=FileSource(path="/elsewhere"))
CDROM = Disk(target="sda", bus="sata", device=DiskDevice.CDROM, source=VolumeSource(pool="p", volume="cd"), read_only=True)
SPEC = InstanceSpec(uuid=UUID_A, name="a", vcpus=1, memory_mib=16, disks=(OWN, BORROWED, FILE, OUTSIDE))
LOGGED = replace(SPEC, disks=(), consoles=(Console(log="/p/log"),))
COPIED, SHARED = MigrationStorage.COPIED, MigrationStorage.SHARED


class Volume:
    """A volume of 4096 bytes."""

    def __init__(self, host: "Host", name: str) -> None:
        self._host, self._name = host, name

    def name(self) -> str:
        return self._name

    def XMLDesc(self, _flags: int = 0) -> str:
        return f"<volume><name>{self._name}</name><capacity>4096</capacity><target><path>/p/{self._name}</path></target></volume>"

    def storagePoolLookupByVolume(self) -> "Host":
        return self._host

    def delete(self) -> int:
        if self._host.refusal is not None:
            raise self._host.refusal
        self._host.volumes.remove(self._name)
        return 0


class Host:
    """A link to a host with the pool `p` at /p, which learns of `arriving` when it looks again."""

    def __init__(self, *volumes: str, arriving: tuple[str, ...] = (), pool: bool = True) -> None:
        self.volumes = list(volumes)
        self.arriving = arriving
        self.pool = pool
        self.refusal: HypervisorError | None = None
        self.refusals: dict[object, str] = {}
        self.spec = SPEC

    def name(self) -> str:
        return "p"

    def XMLDesc(self, _flags: int = 0) -> str:
        return domain_xml(self.spec, QEMU)

    def refresh(self) -> int:
        self.volumes += self.arriving
        self.arriving = ()
        return 0

    def storagePoolLookupByName(self, name: str) -> "Host":
        if not self.pool:
            raise StoragePoolNotFound(name)
        return self

    def storagePoolLookupByTargetPath(self, path: str) -> "Host":
        return self.storagePoolLookupByName(path)

    def storageVolLookupByName(self, name: str) -> Volume:
        if name not in self.volumes:
            raise VolumeNotFound(name)
        return Volume(self, name)

    def storageVolLookupByPath(self, path: str) -> Volume:
        folder, _, name = path.rpartition("/")
        return self.storageVolLookupByName(name if folder == "/p" else path)

    def listAllVolumes(self) -> list[Volume]:
        return [Volume(self, name) for name in self.volumes]

    def connection(self) -> "Host":
        return self

    def domain(self, _uuid: UUID) -> "Host":
        return self

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    @property
    def link(self) -> "Link":
        return cast("Link", cast("object", self))


def here(spec: InstanceSpec = SPEC) -> Host:
    host = Host("root", "data", "file", "cd", "log")
    host.spec = spec
    return host


def asked(source: Host, destination: Host, storage: MigrationStorage, mode: MigrationMode = MigrationMode.LIVE) -> Belongings:
    return belongings(source.link, destination.link, UUID_A, mode, storage)


def made(name: str, format: DiskFormat = DiskFormat.RAW) -> Step:  # noqa: A002  # as the action's
    new = NewVolume(pool="p", volume=name, capacity_bytes=4096)
    return Step(do=CreateVolume(volume=new, format=format), undo=DiscardVolume(pool="p", volume=name))


def test_what_is_to_be_copied_is_made_in_the_size_it_has_and_what_is_owned_goes_afterwards() -> None:
    found = asked(here(), Host(), COPIED)
    assert found.arrival == (made("root"), made("data", DiskFormat.QCOW2), made("file"))
    assert found.departure == (DiscardVolume(pool="p", volume="root"),)


def test_what_is_there_is_left_and_stays_on_the_source_too() -> None:
    assert asked(here(), Host("root", "data", "file"), COPIED) == Belongings(arrival=(), departure=())


def test_a_pool_looks_again_for_what_another_host_made() -> None:
    assert asked(here(), Host(arriving=("root", "data", "file")), SHARED) == Belongings(arrival=(), departure=())


@pytest.mark.parametrize("lacking", ["root", "data", "file"])
def test_what_both_should_reach_and_one_does_not_is_named(lacking: str) -> None:
    there = Host(*{"root", "data", "file"} - {lacking})
    with pytest.raises(VolumeNotFound) as caught:
        asked(here(), there, SHARED)
    assert caught.value.key == lacking


def test_what_libvirt_does_not_copy_must_be_there() -> None:
    with pytest.raises(VolumeNotFound, match="disk 'sda'"):
        asked(here(replace(SPEC, disks=(CDROM,))), Host(), COPIED)


def test_a_destination_without_the_pool_is_told() -> None:
    with pytest.raises(StoragePoolNotFound):
        asked(here(), Host(pool=False), COPIED)


def test_of_an_instance_that_is_off_no_disk_is_asked_for() -> None:
    assert asked(here(), Host(), SHARED, MigrationMode.OFFLINE) == Belongings(arrival=(), departure=())


def test_a_log_begins_anew_where_there_is_none() -> None:
    step = Step(do=MakeLog(log="/p/log"), undo=DeleteLog(log="/p/log"))
    assert asked(here(LOGGED), Host(), SHARED) == Belongings(arrival=(step,), departure=(DeleteLog(log="/p/log"),))
    assert asked(here(LOGGED), Host("log"), SHARED) == Belongings(arrival=(), departure=())


def test_what_cannot_be_parted_with_is_told_and_the_rest_goes() -> None:
    source = here()
    assert list(parted_with(source.link, (DiscardVolume(pool="p", volume="root"), DeleteLog(log="/p/log")))) == []
    assert source.volumes == ["data", "file", "cd"]
    source.refusal = HypervisorError(38, 18, "busy")
    left = list(parted_with(source.link, (DiscardVolume(pool="p", volume="data"),)))
    assert left == ["delete storage volume 'data' of pool 'p' if it is there: libvirt error 38 (domain 18): busy"]
