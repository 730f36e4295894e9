"""Capabilities XML, as libvirt's test driver prints it and as a real host does."""

from pathlib import Path

from virtproof_driver.edge.libvirt_module import libvirt_binding
from virtproof_driver.markup.host import GuestKind, HostCapabilities, parse_capabilities

QEMU = """<capabilities><host><uuid>6695eb01-f6a4-4304-b9aa-97f2502e193f</uuid>
  <cpu><arch>x86_64</arch><model>EPYC</model><topology sockets='2' dies='1' cores='8' threads='2'/></cpu>
  <topology><cells num='2'><cell id='0'/><cell id='1'/></cells></topology></host>
  <guest><os_type>hvm</os_type><arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch></guest></capabilities>"""


def test_a_real_hosts_capabilities_are_read() -> None:
    assert parse_capabilities(QEMU) == HostCapabilities(
        uuid="6695eb01-f6a4-4304-b9aa-97f2502e193f",
        architecture="x86_64",
        cpu_model="EPYC",
        sockets=2,
        cores=8,
        threads=2,
        numa_nodes=2,
        guests=(GuestKind(os_type="hvm", architecture="x86_64", domain_types=("qemu", "kvm")),),
    )


def test_the_test_driver_tells_no_topology(tmp_path: Path) -> None:
    (tmp_path / "node.xml").write_text("<node/>")
    connection = libvirt_binding().open(f"test://{tmp_path / 'node.xml'}")
    found = parse_capabilities(connection.getCapabilities())
    connection.close()
    assert (found.architecture, found.sockets, found.cores, found.threads) == ("i686", 0, 0, 0)
    assert GuestKind(os_type="hvm", architecture="i686", domain_types=("test",)) in found.guests
