"""The smallest instance of each hypervisor, with and without guests."""

import pytest

from virtproof.errors import SuiteError
from virtproof.guests.catalogue import CONTAINER_GUESTS, GUESTS
from virtproof.lanes.model import Furniture
from virtproof.lanes.smallest import FILLED_BYTES, smallest
from virtproof_driver.spec import Console, DirectorySource, Init, NewVolume, VolumeSource

FURNITURE = Furniture(pool="guests", network="net")


def test_a_machine_boots_the_guest_that_obeys_from_a_disk_that_all_share() -> None:
    made = smallest("QEMU", "vm", 1, FURNITURE)
    (disk,) = made.disks
    assert (disk.source, disk.target, disk.read_only) == (VolumeSource(pool="guests", volume="obedient.img"), "vda", True)
    assert [interface.network for interface in made.interfaces] == ["net"]
    assert (made.consoles, made.memory_mib, made.machine) == ((Console(),), 16, None)


def test_a_container_runs_busybox_from_a_folder_that_all_share() -> None:
    made = smallest("LXC", "vm", 1, FURNITURE)
    (root,) = made.filesystems
    assert (root.source, root.target) == (DirectorySource(path="/usr/lib/virtproof/root"), "/")
    assert made.init == Init(path="/sbin/init", arguments=("obedient",))
    assert [(interface.network, interface.model) for interface in made.interfaces] == [("net", None)]
    assert (made.consoles, made.disks) == ((Console(),), ())


@pytest.mark.parametrize("name", sorted(GUESTS))
def test_a_machine_boots_the_guest_that_is_asked_for_with_what_it_needs(name: str) -> None:
    made, guest = smallest("QEMU", "vm", 1, FURNITURE, name), GUESTS[name]
    assert (made.machine, made.panic_device) == (guest.machine, guest.panics)
    assert made.disks[0].read_only is not guest.writes


def test_a_guest_that_writes_gets_a_disk_of_its_own() -> None:
    (disk,) = smallest("QEMU", "vm", 1, FURNITURE, "filler").disks
    assert disk.source == NewVolume(pool="guests", volume="vm.img", capacity_bytes=FILLED_BYTES, clone_of="filler.img")


@pytest.mark.parametrize("name", sorted(CONTAINER_GUESTS))
def test_a_container_runs_the_guest_that_is_asked_for(name: str) -> None:
    made = smallest("LXC", "vm", 1, FURNITURE, name)
    assert made.init == Init(path="/sbin/init", arguments=(name,))


@pytest.mark.parametrize(("kind", "name"), [("QEMU", "nobody"), ("LXC", "panicker")])
def test_a_guest_that_is_not_there_is_the_cases_mistake(kind: str, name: str) -> None:
    with pytest.raises(SuiteError, match=name):
        smallest(kind, "vm", 1, FURNITURE, name)


@pytest.mark.parametrize("kind", ["TEST", "QEMU", "XEN"])
def test_without_furniture_there_is_no_guest_to_ask_for(kind: str) -> None:
    assert smallest(kind, "vm", 1).init is None
    with pytest.raises(SuiteError, match=r"guests\.run"):
        smallest(kind, "vm", 1, guest="deaf")


@pytest.mark.parametrize("kind", ["TEST", "QEMU", "LXC"])
def test_name_and_index_make_uuid_and_addresses(kind: str) -> None:
    one, same, other = (smallest(kind, name, index, FURNITURE) for name, index in (("a", 1), ("a", 1), ("a", 2)))
    assert one == same
    assert one.uuid != other.uuid
    assert {interface.mac for interface in one.interfaces}.isdisjoint(interface.mac for interface in other.interfaces)
