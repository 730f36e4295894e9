"""Objects that another client made: past the driver under test, on the world's own connection.

What belongs here: making one for the length of a `with` statement, and unmaking it. What does not: what the driver is expected to
do with it; that is the case's. Its name bears the worker's prefix, so that one left by a crash is reaped.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any, cast
from xml.etree.ElementTree import fromstring, tostring

from virtproof.lanes.facts import hypervisor_of
from virtproof.recording.world import World
from virtproof_driver.binding import Domain, Network, StoragePool, StorageVol
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.network import network_xml
from virtproof_driver.markup.storage import pool_xml, volume_xml
from virtproof_driver.spec import InstanceSpec, NetworkSpec, PoolSpec, VolumeSpec


@contextmanager
def foreign_domain(world: World, spec: InstanceSpec, *, start: bool = True, transient: bool = False) -> Generator[Domain]:
    """A domain that has nothing of any driver's in its metadata; a transient one runs."""
    xml = foreign_xml(world, spec)
    domain = cast("Domain", _past(world.connection, "createXML", xml)) if transient else world.connection.defineXML(xml)
    try:
        if start and not transient:
            domain.create()
        yield domain
    finally:
        take_domain(world, domain)


def take_domain(world: World, domain: Domain) -> None:
    """Force a domain off and undefine it, as far as it is there still."""
    _take(domain.destroy, lambda: domain.undefineFlags(hypervisor_of(world.connection).undefine_flags))


@contextmanager
def foreign_network(world: World, spec: NetworkSpec, *, transient: bool = False) -> Generator[Network]:
    """A virtual network that is active."""
    connection, xml = world.connection, network_xml(spec)
    network = cast("Network", _past(connection, "networkCreateXML", xml)) if transient else connection.networkDefineXML(xml)
    try:
        if not transient:
            network.create()
        yield network
    finally:
        _take(network.destroy, network.undefine)


@contextmanager
def foreign_pool(world: World, spec: PoolSpec) -> Generator[StoragePool]:
    """A storage pool that is active."""
    pool = world.connection.storagePoolDefineXML(pool_xml(spec))
    try:
        _take(pool.build)
        pool.create()
        yield pool
    finally:
        _take(pool.destroy, pool.delete, pool.undefine)


@contextmanager
def foreign_volume(world: World, pool: str, spec: VolumeSpec) -> Generator[StorageVol]:
    """A storage volume in a pool that is there already."""
    volume = world.connection.storagePoolLookupByName(pool).createXML(volume_xml(spec))
    try:
        yield volume
    finally:
        _take(volume.delete)


def foreign_xml(world: World, spec: InstanceSpec) -> str:
    """The domain XML of a spec as any client would write it, without metadata."""
    root = fromstring(domain_xml(spec, hypervisor_of(world.connection)))
    for metadata in root.findall("metadata"):
        root.remove(metadata)
    return tostring(root, encoding="unicode")


def _past(libvirt_object: object, method: str, *arguments: object) -> object:
    """Call a method of libvirt-python that the seam does not name, because the driver does not use it."""
    return cast("Callable[..., Any]", getattr(libvirt_object, method))(*arguments)


def _take(*steps: Callable[[], object]) -> None:
    for step in steps:
        with suppress(Exception):  # off already, gone already, or none to build
            step()
