"""Tests of `operations.host`, `inventory`, `diagnostics`, `console` and `agent`: what is read is what is there."""

from dataclasses import replace
from uuid import uuid4

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import InvalidState
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.operations import inventory
from virtproof_driver.operations.host import version
from virtproof_driver.spec import Disk, DiskDevice, FileSource, Graphics, InstanceSpec, Interface
from virtproof_driver.values import BlockCounters, GraphicsEndpoint, HostInfo, PowerState


def test_the_host_is_described(driver: LibvirtDriver, node_uri: str) -> None:
    host = driver.host()
    assert host == HostInfo(
        hostname=host.hostname,
        uri=node_uri,
        hypervisor="TEST",
        hypervisor_version=(0, 0, 2),
        libvirt_version=host.libvirt_version,
        architecture="i686",
        cpus=2,
        memory_mib=4096,
        numa_nodes=host.numa_nodes,
        sockets=host.sockets,
        cores=host.cores,
        threads=host.threads,
        encrypted=False,
        secure=True,
    )
    assert host.hostname
    assert host.libvirt_version >= (9, 0, 0)


def test_the_hosts_processor_times_are_read(driver: LibvirtDriver) -> None:
    stats = driver.host_stats()
    assert {"user", "kernel", "idle", "iowait"} <= stats.cpu_ns.keys()
    assert all(nanoseconds >= 0 for nanoseconds in stats.cpu_ns.values())


@pytest.mark.parametrize(("number", "expected"), [(9_000_000, (9, 0, 0)), (2, (0, 0, 2)), (12_008_031, (12, 8, 31))])
def test_a_version_is_three_numbers(number: int, expected: tuple[int, int, int]) -> None:
    assert version(number) == expected


def test_all_instances_are_listed_by_name_also_in_single_reads(
    driver: LibvirtDriver, small: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned = [driver.spawn(replace(small, name=name, uuid=uuid4()), start=name != "b") for name in "cab"]
    in_bulk = driver.instances()
    monkeypatch.setattr(type(driver.link), "hypervisor", replace(TEST, bulk_state=False))
    assert [instance.name for instance in in_bulk] == ["a", "b", "c"]
    assert inventory.instances(driver.link) == in_bulk
    assert set(spawned) == set(in_bulk)


def with_devices(small: InstanceSpec) -> InstanceSpec:
    return replace(
        small,
        vcpus=2,
        disks=(
            Disk(target="vda", source=FileSource(path="/images/a.img")),
            Disk(target="hdc", source=None, bus="ide", device=DiskDevice.CDROM),
        ),
        interfaces=(Interface(mac="52:54:00:00:00:01", network="default"), Interface(mac="52:54:00:00:00:02", network="default")),
        graphics=(Graphics(port=5905), Graphics(kind="spice")),
    )


def test_the_counters_are_of_each_device(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(with_devices(small))
    counters = driver.diagnostics(small.uuid)
    assert (counters.uuid, counters.vcpus, counters.max_memory_kib, counters.memory_kib) == (small.uuid, 2, 16384, 16384)
    assert counters.cpu_time_ns > 0
    assert [block.target for block in counters.blocks] == ["vda"]
    assert isinstance(counters.blocks[0], BlockCounters)
    assert len({interface.target for interface in counters.interfaces}) == 2
    assert all(interface.rx_bytes >= 0 for interface in counters.interfaces)


def test_what_is_off_counts_nothing_and_shows_nothing(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small, start=False)
    pieces: list[bytes] = []
    with pytest.raises(InvalidState, match="cannot read counters of instance 'small'"):
        driver.diagnostics(small.uuid)
    with pytest.raises(InvalidState, match="cannot take a picture of instance 'small'"):
        driver.screenshot(small.uuid, pieces.append)
    assert pieces == []


def test_the_screen_is_streamed(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    pieces: list[bytes] = []
    shot = driver.screenshot(small.uuid, pieces.append)
    picture = b"".join(pieces)
    assert (shot.mime_type, shot.size_bytes) == ("image/png", len(picture))
    assert picture.startswith(b"\x89PNG")


def test_displays_are_listed(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(with_devices(small))
    assert driver.graphics(small.uuid) == (
        GraphicsEndpoint(kind="vnc", host="127.0.0.1", port=5905),
        GraphicsEndpoint(kind="spice", host="127.0.0.1", port=-1),
    )


def test_the_agent_freezes_what_it_is_told(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small)
    driver.set_admin_password(small.uuid, "root", "secret")
    assert driver.quiesce(small.uuid, ["/"]) == 1
    assert driver.unquiesce(small.uuid) == 1
    assert driver.instance(small.uuid).state is PowerState.RUNNING


def test_the_agent_of_what_is_off_does_nothing(driver: LibvirtDriver, small: InstanceSpec) -> None:
    driver.spawn(small, start=False)
    for ask in (driver.quiesce, driver.unquiesce):
        with pytest.raises(InvalidState):
            ask(small.uuid)
    with pytest.raises(InvalidState) as caught:
        driver.set_admin_password(small.uuid, "root", "very secret")
    assert "very secret" not in repr(caught.value)
