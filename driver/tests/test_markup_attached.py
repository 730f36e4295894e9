"""One device in a domain's XML."""

import pytest

from virtproof_driver.actions import DeviceKind, DeviceName
from virtproof_driver.markup.attached import device_xml, find_device, name_of
from virtproof_driver.spec import Disk, Interface, VolumeSource

XML = """<domain><devices>
  <disk type='file'><source file='/a'/><target dev='vda'/><readonly/><alias name='virtio-disk0'/></disk>
  <disk type='volume'><source pool='p' volume='v'/><target dev='vdb'/></disk>
  <interface type='network'><mac address='52:54:00:00:00:01'/><alias name='net0'/></interface>
</devices></domain>"""
DISK = Disk(target="vdb", source=VolumeSource(pool="a & b", volume="<v>"))
NIC = Interface(mac="52:54:00:AA:00:01", network="n")


@pytest.mark.parametrize(
    ("kind", "key", "alias", "read_only", "path"),
    [
        (DeviceKind.DISK, "vda", "virtio-disk0", True, "/a"),
        (DeviceKind.DISK, "vdb", None, False, None),
        (DeviceKind.INTERFACE, "52:54:00:00:00:01", "net0", False, None),
    ],
)
def test_a_device_is_found_by_its_name(kind: DeviceKind, key: str, alias: str | None, read_only: bool, path: str | None) -> None:
    found = find_device(XML, DeviceName(kind=kind, key=key))
    assert found is not None
    assert (found.alias, found.read_only, found.path) == (alias, read_only, path)
    assert key in found.xml


@pytest.mark.parametrize("name", [DeviceName(kind=DeviceKind.DISK, key="vd"), DeviceName(kind=DeviceKind.INTERFACE, key="vda")])
def test_what_is_not_there_is_not_found(name: DeviceName) -> None:
    assert find_device(XML, name) is None


@pytest.mark.parametrize("device", [DISK, NIC], ids=["disk", "interface"])
def test_what_is_attached_is_found_by_its_own_name(device: Disk | Interface) -> None:
    assert find_device(f"<domain><devices>{device_xml(device)}</devices></domain>", name_of(device)) is not None


def test_names_are_words() -> None:
    assert (str(name_of(DISK)), str(name_of(NIC))) == ("disk 'vdb'", "interface '52:54:00:aa:00:01'")
