"""Tests of `hypervisors`: the index, and that the test driver's facts are what libvirt does."""

from collections.abc import Callable

import pytest

from virtproof_driver.binding import Connection, Domain
from virtproof_driver.capabilities import Capability
from virtproof_driver.constants import ErrorCode, StartFlag, UndefineFlag
from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.edge import libvirt_binding
from virtproof_driver.errors import UnknownHypervisor
from virtproof_driver.hypervisors import HYPERVISORS, Hypervisor, hypervisor_for
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.model import REMOTE_ONLY
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.spec import InstanceSpec


def test_a_hypervisor_is_found_by_what_libvirt_calls_it() -> None:
    assert hypervisor_for("TEST") is TEST
    assert all(hypervisor_for(name).connection_type == name for name in HYPERVISORS)


def test_an_unknown_hypervisor_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownHypervisor) as caught:
        hypervisor_for("Hyper-V")
    assert caught.value.connection_type == "Hyper-V"
    assert str(caught.value) == "no facts about libvirt's 'Hyper-V' driver; this driver knows LXC, QEMU, TEST"


@pytest.mark.parametrize("hypervisor", HYPERVISORS.values(), ids=HYPERVISORS.keys())
def test_each_refusal_is_a_sentence_of_its_own(hypervisor: Hypervisor) -> None:
    reasons = {**hypervisor.unsupported, **REMOTE_ONLY}
    assert all(len(reason) > 20 for reason in reasons.values())
    assert not hypervisor.unsupported.keys() & REMOTE_ONLY.keys()


def test_what_needs_a_daemon_is_refused_in_process_only() -> None:
    remote, local = TEST.refusals(remote=True), TEST.refusals(remote=False)
    assert local.keys() - remote.keys() == REMOTE_ONLY.keys()
    assert remote == TEST.unsupported


def test_what_came_with_a_release_is_refused_on_older_ones_only() -> None:
    revert = Capability.SNAPSHOT_EXTERNAL_REVERT
    assert revert in QEMU.at(9_000_000).unsupported
    assert Capability.SNAPSHOT_EXTERNAL not in QEMU.at(9_000_000).unsupported
    assert {revert, Capability.SNAPSHOT_EXTERNAL, Capability.IMAGE_CAPTURE} <= QEMU.at(7_000_000).unsupported.keys()
    assert QEMU.at(11_003_000) is QEMU


def test_states_come_in_bulk_from_a_release_on() -> None:
    assert (TEST.at(7_000_000).bulk_state, TEST.at(9_000_000).bulk_state) == (False, True)
    assert TEST.at(7_000_000).unsupported == TEST.unsupported
    assert TEST.at(9_000_000) is TEST
    assert not LXC.at(11_003_000).bulk_state


@pytest.mark.parametrize("hypervisor", [QEMU, TEST])
def test_a_revert_from_paused_to_paused_is_told_from_a_release_on(hypervisor: Hypervisor) -> None:
    assert not hypervisor.at(7_000_000).tells_paused_revert
    assert hypervisor.at(9_000_000).tells_paused_revert


def test_a_qemu_that_notices_readers_late_is_known_by_its_own_release() -> None:
    assert QEMU.at(11_003_000, 5_002_000).notices_readers_late
    assert not QEMU.at(7_000_000, 8_002_000).notices_readers_late
    assert QEMU.at(11_003_000, 10_000_013) is QEMU
    assert not TEST.at(7_000_000, 2).notices_readers_late


def test_only_what_varies_is_asked_for_its_release() -> None:
    assert (TEST.varies, QEMU.varies, LXC.varies) == (True, True, False)


def refused(call: Callable[[], object]) -> int | None:
    """The code that libvirt refuses a call with; None where it does not."""
    try:
        call()
    except libvirt_binding().libvirtError as error:
        return error.get_error_code()
    return None


@pytest.fixture
def connection(driver: LibvirtDriver) -> Connection:
    return driver.link.connection()


@pytest.fixture
def domain(driver: LibvirtDriver, small: InstanceSpec) -> Domain:
    driver.spawn(small, start=False)
    return driver.link.domain(small.uuid)


def test_the_test_driver_refuses_to_start_paused(domain: Domain) -> None:
    assert refused(lambda: domain.createWithFlags(StartFlag.PAUSED)) == ErrorCode.INVALID_ARG
    assert Capability.SPAWN_PAUSED in TEST.unsupported


@pytest.mark.parametrize("flag", list(UndefineFlag), ids=lambda flag: str(flag.name))
def test_the_test_driver_undefines_with_the_flags_of_the_table_alone(domain: Domain, flag: UndefineFlag) -> None:
    expected = None if flag & TEST.undefine_flags else ErrorCode.INVALID_ARG
    assert refused(lambda: domain.undefineFlags(flag)) == expected


def test_the_test_driver_has_no_leases_and_resizes_no_volume(connection: Connection) -> None:
    pool = connection.storagePoolDefineXML("<pool type='dir'><name>p</name><target><path>/p</path></target></pool>")
    pool.create()
    volume = pool.createXML("<volume><name>v</name><capacity>4096</capacity></volume>")
    network = connection.networkDefineXML("<network><name>leaseless</name></network>")
    assert refused(lambda: volume.resize(8192)) == ErrorCode.NO_SUPPORT
    assert refused(network.DHCPLeases) == ErrorCode.NO_SUPPORT
    assert {Capability.STORAGE_RESIZE, Capability.NETWORK_LEASES} <= TEST.unsupported.keys()


def test_the_test_driver_snapshots_no_disks_alone(domain: Domain) -> None:
    disk_only = 16
    assert refused(lambda: domain.snapshotCreateXML("<domainsnapshot/>", disk_only)) == ErrorCode.INVALID_ARG
    assert Capability.SNAPSHOT_EXTERNAL in TEST.unsupported


def test_the_test_driver_gives_all_states_at_once(connection: Connection, domain: Domain) -> None:
    states = {found.name(): stats["state.state"] for found, stats in connection.getAllDomainStats(1)}
    assert states == {"small": domain.state()[0]}
    assert TEST.bulk_state
