"""Where consoles are logged, and the volumes of file systems, as a domain's XML has them."""

from dataclasses import replace
from uuid import UUID

import pytest

from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.qemu import QEMU
from virtproof_driver.markup.console_logs import console_log, has_console, owned_logs, place_of
from virtproof_driver.markup.domain import domain_xml, owned_volumes, parse_domain
from virtproof_driver.markup.filesystems import with_paths
from virtproof_driver.spec import Console, DirectorySource, FileSource, Filesystem, Init, InstanceSpec, NewVolume, VolumeSource

MACHINE = InstanceSpec(uuid=UUID(int=1), name="m", vcpus=1, memory_mib=16)
FOREIGN = "<domain><devices><serial type='pty'><log file='/logs/theirs.log'/></serial></devices></domain>"
CONTAINER = replace(
    MACHINE,
    init=Init(path="/sbin/init"),
    filesystems=(
        Filesystem(source=NewVolume(pool="p", volume="own", capacity_bytes=1, clone_of="golden")),
        Filesystem(source=VolumeSource(pool="p <&>", volume="golden"), target="/mnt", read_only=True),
        Filesystem(source=DirectorySource(path="/srv"), target="/srv"),
        Filesystem(source=FileSource(path="/images/x.img"), target="/opt"),
    ),
)


def test_the_first_log_is_the_one_that_is_read() -> None:
    spec = replace(MACHINE, consoles=(Console(), Console(log="/logs/a"), Console(log="/logs/b"), Console(log="/logs/a")))
    xml = domain_xml(spec, QEMU)
    assert console_log(xml) == "/logs/a"
    assert owned_logs(xml) == ("/logs/a", "/logs/b")
    assert has_console(xml)


def test_no_log_and_no_console() -> None:
    assert console_log(domain_xml(replace(MACHINE, consoles=(Console(),)), QEMU)) is None
    assert not has_console(domain_xml(MACHINE, QEMU))


def test_a_foreign_domains_log_is_read_and_not_owned() -> None:
    assert console_log(FOREIGN) == "/logs/theirs.log"
    assert owned_logs(FOREIGN) == ()


def test_a_logs_place_is_a_pools_target_and_a_volumes_name() -> None:
    assert place_of("/var/log/guests/x.log") == ("/var/log/guests", "x.log")


def test_volumes_become_files_and_read_back_as_volumes() -> None:
    found: list[tuple[str, str]] = []

    def path_of(pool: str, volume: str) -> str:
        found.append((pool, volume))
        return f"/target/{volume}"

    xml = with_paths(domain_xml(CONTAINER, LXC), path_of)
    assert found == [("p", "own"), ("p <&>", "golden")]
    assert "type='volume'" not in xml.replace('"', "'")
    assert parse_domain(xml).filesystems == CONTAINER.filesystems
    assert owned_volumes(xml) == (CONTAINER.filesystems[0].source,)


def test_xml_without_volumes_is_returned_as_it_is() -> None:
    def nobody(pool: str, volume: str) -> str:
        pytest.fail(f"asked for {pool}/{volume}")

    xml = domain_xml(replace(CONTAINER, filesystems=CONTAINER.filesystems[2:]), LXC)
    assert with_paths(xml, nobody) is xml
