"""What a probe works with: a driver under test, the bare host behind it, and things made past the driver that vanish again.

What belongs here: the bench and its helpers. What does not: probes, and pytest; the manifest's cases put a bench together from
their fixtures, tests from whatever they need.
"""

import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from virtproof.destination import DestinationHost
from virtproof.guests.coming_up import await_up
from virtproof.guests.reach import MOST_TRIES, hears
from virtproof.lanes.facts import hypervisor_of
from virtproof.lanes.model import DaemonControl, Ways
from virtproof_driver import Capability
from virtproof_driver.binding import Connection, Domain, StoragePool, StorageVol
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.hypervisors import Hypervisor
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.storage import pool_xml, volume_xml
from virtproof_driver.spec import Graphics, InstanceSpec, PoolSpec, VolumeSpec
from virtproof_driver.values import Instance

VOLUME_BYTES = 1 << 20


class Connect(Protocol):
    """Connects a driver under test; options as the driver's factory takes them."""

    def __call__(self, uri: str | None = None, **options: object) -> ComputeDriver: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A driver under test on a host.

    `host` gives the bare connection past it; `daemon` is None where the lane has no power over one, `destination` where it has no
    second host. Where the lane runs guests, `small` takes `guest=`, the name of another one than the one that obeys.
    """

    driver: ComputeDriver
    connect: Connect
    host: Callable[[], Connection]
    small: Callable[..., InstanceSpec]
    names: Callable[[str], str]
    daemon: DaemonControl | None
    authenticated: Callable[[], tuple[str, str, str] | None]
    ways: Ways | None
    destination: DestinationHost | None = None

    def call(self, method: str, *arguments: object, **named: object) -> Any:
        """Call a method that is not in the contract's Protocol yet."""
        return cast("Callable[..., Any]", getattr(self.driver, method))(*arguments, **named)

    def pool(self) -> PoolSpec:
        """A storage pool to make; the host's folder for things that outlive a reboot holds it."""
        name = self.names("pool")
        return PoolSpec(name=name, target=f"/var/tmp/{name}")  # noqa: S108 - a path on the host, under a name of our own

    def volume(self) -> VolumeSpec:
        """A storage volume to make."""
        return VolumeSpec(name=self.names("volume"), capacity_bytes=VOLUME_BYTES)


class Broken(Exception):
    """What was asked for happened otherwise than promised."""


def require(holds: object, problem: str) -> None:
    """Raise Broken unless it holds."""
    if not holds:
        raise Broken(problem)


# --- made through the driver -----------------------------------------------------------------------------------------


@contextmanager
def running(bench: Bench, spec: InstanceSpec | None = None) -> Generator[Instance]:
    """An instance that the driver spawned, destroyed by it at the end."""
    instance = bench.driver.spawn(spec or bench.small())
    try:
        yield instance
    finally:
        bench.driver.destroy(instance.uuid)


@contextmanager
def up(bench: Bench) -> Generator[Instance]:
    """An instance likewise, whose guest is up and can obey."""
    for _ in range(MOST_TRIES):
        with running(bench) as instance:
            domain = bench.host().lookupByUUIDString(str(instance.uuid))
            await_up(domain)
            if not hears(domain):
                continue
            yield instance
            return
    raise Broken(f"the host reached none of {MOST_TRIES} guests")


@contextmanager
def defined(bench: Bench, spec: InstanceSpec) -> Generator[Instance]:
    """An instance that the driver defined and did not start, destroyed by it at the end."""
    instance = bench.driver.spawn(spec, start=False)
    try:
        yield instance
    finally:
        bench.driver.destroy(instance.uuid)


@contextmanager
def driven_pool(bench: Bench) -> Generator[str]:
    """The name of a pool that the driver made."""
    spec = bench.pool()
    bench.driver.create_pool(spec)
    try:
        yield spec.name
    finally:
        bench.driver.delete_pool(spec.name)


@contextmanager
def driven_volume(bench: Bench) -> Generator[tuple[str, str]]:
    """The names of a pool and a volume in it, both made by the driver."""
    spec = bench.volume()
    with driven_pool(bench) as pool:
        bench.driver.create_volume(pool, spec)
        try:
            yield pool, spec.name
        finally:
            bench.driver.delete_volume(pool, spec.name)


def bridge(name: str) -> str:
    """A name for the bridge of a network, at most 15 bytes, which no other network of the suite has.

    Of networks that are defined at one moment without one, libvirt may give two the same, and one does not start (38, 11.3.0).
    """
    return f"vp{hashlib.sha256(name.encode()).hexdigest()[:8]}"


# --- made past the driver ----------------------------------------------------------------------------------------------


def past(libvirt_object: object, method: str, *arguments: object) -> Any:
    """Call a method of libvirt-python that the seam does not name, because the driver does not use it."""
    return cast("Callable[..., Any]", getattr(libvirt_object, method))(*arguments)


@contextmanager
def bare_domain(bench: Bench, *, start: bool = True) -> Generator[Domain]:
    """A domain made on the bare connection, with a display where the hypervisor has any, running unless `start` is False."""
    with bare_defined(bench, _with_display(bench.small(), hypervisor_of(bench.host())), start=start) as domain:
        yield domain


@contextmanager
def bare_defined(bench: Bench, xml: str, *, start: bool = True) -> Generator[Domain]:
    """A domain of this XML made on the bare connection, running unless `start` is False."""
    connection = bench.host()
    domain = connection.defineXML(xml)
    try:
        if start:
            domain.create()
        yield domain
    finally:
        with suppress(Exception):  # off already
            domain.destroy()
        domain.undefineFlags(hypervisor_of(connection).undefine_flags)


@contextmanager
def bare_volume(bench: Bench) -> Generator[StorageVol]:
    """A volume in a pool of its own, both made on the bare connection."""
    with bare_pool(bench) as pool:
        volume = pool.createXML(volume_xml(bench.volume()))
        yield volume
        volume.delete()


@contextmanager
def bare_pool(bench: Bench) -> Generator[StoragePool]:
    """A pool made on the bare connection, active and empty."""
    pool = bench.host().storagePoolDefineXML(pool_xml(bench.pool()))
    try:
        with suppress(Exception):  # a pool of this kind may need no building, or is built already
            pool.build()
        pool.create()
        yield pool
    finally:
        with suppress(Exception):  # it did not start
            pool.destroy()
            pool.delete()
        pool.undefine()


def _with_display(spec: InstanceSpec, hypervisor: Hypervisor) -> str:
    displays = () if Capability.GRAPHICS in hypervisor.unsupported else (Graphics(),)
    return domain_xml(replace(spec, graphics=displays), hypervisor)
