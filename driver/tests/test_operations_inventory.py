"""Tests of `operations.inventory` on libvirt's test driver: what is told is how the host is now."""

from uuid import uuid4

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.edge import Session


def test_a_domain_defined_anew_is_found_under_its_new_name_at_once(driver: LibvirtDriver) -> None:
    link = driver._link  # the host is private to its connection, so another client is played on it
    assert isinstance(link, Session)
    uuid = uuid4()
    found: list[str] = []
    for name in ("one", "two", "three"):
        domain = link.connection().defineXML(
            f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>"
        )
        found.append(driver.instance(uuid).name)
        domain.undefineFlags(0)
    assert found == ["one", "two", "three"]
