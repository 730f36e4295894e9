"""Probes of moving instances to another host.

What belongs here: their questions. What does not: what is lost or left on the way; the cases find that out. Where the lane has no
second host an instance is asked to move to its own, or past the driver to nowhere: who moves none says so before it looks there.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import Final

from virtproof.probes.bench import Bench, bare_domain, defined, past, require, running
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.migration import Destination, MigrationMode, MigrationOptions, MigrationStorage
from virtproof_driver.migration_constants import MigrateFlag
from virtproof_driver.values import Instance

_METHODS: Final = ("spawn", "destroy", "migrate")
_SECONDS: Final = 60.0
_NOWHERE: Final = "qemu+tcp://127.0.0.1:1/system"
_PLAIN: Final = MigrationOptions()


def _move(bench: Bench, options: MigrationOptions = _PLAIN, mode: MigrationMode = MigrationMode.LIVE) -> None:
    """Move an instance that the driver made, and look for it there."""
    _require_second_host(bench)
    make = defined(bench, bench.small()) if mode is MigrationMode.OFFLINE else running(bench)
    with make as instance, _taken_away(bench, instance):
        bench.driver.migrate(instance.uuid, _there(bench), mode=mode, options=options, timeout=_SECONDS).wait(_SECONDS)
        _require_there(bench, instance)


def _move_by_peers(bench: Bench) -> None:
    _require_second_host(bench)
    with running(bench) as instance, _taken_away(bench, instance):
        uri = bench.host().getURI()
        to = bench.destination.by_peers if bench.destination is not None else Destination(uri=uri, peer_uri=uri)
        bench.driver.migrate(instance.uuid, to, timeout=_SECONDS).wait(_SECONDS)
        _require_there(bench, instance)


def _require_second_host(bench: Bench) -> None:
    """Raise Refused where the driver may move instances, and the lane has nowhere to move them."""
    if bench.destination is None and Capability.MIGRATION_LIVE in bench.driver.capabilities:
        raise Refused("the lane has no second host")


def _there(bench: Bench) -> Destination:
    return bench.destination.managed if bench.destination is not None else Destination(uri=bench.host().getURI())


def _require_there(bench: Bench, instance: Instance) -> None:
    found = bench.destination.world.domain(instance.uuid) if bench.destination is not None else None
    require(found is not None, "the instance is not on the destination")


@contextmanager
def _taken_away(bench: Bench, instance: Instance) -> Generator[None]:
    """Whatever becomes of it, the destination has none of it afterwards."""
    try:
        yield
    finally:
        if bench.destination is not None:
            bench.connect(bench.destination.uri).destroy(instance.uuid)


def _bare(bench: Bench, flags: MigrateFlag) -> None:
    """The same past the driver; what arrives is transient, and goes with its end."""
    off = MigrateFlag.OFFLINE in flags
    with bare_domain(bench, start=not off) as domain:
        if bench.destination is None:
            past(domain, "migrateToURI3", _NOWHERE, {}, int(flags | MigrateFlag.PEER2PEER))
        elif MigrateFlag.PEER2PEER in flags:
            past(domain, "migrateToURI3", bench.destination.by_peers.peer_uri, {}, int(flags))
        else:
            past(domain, "migrate3", bench.destination.world.connection, {}, int(flags))
        arrived = bench.destination.world.domain(domain.UUIDString()) if bench.destination is not None else None
        if arrived is not None:
            with suppress(Exception):  # it is off
                arrived.destroy()
            with suppress(Exception):  # it was transient
                arrived.undefineFlags(0)


def _probe(flags: MigrateFlag, options: MigrationOptions = _PLAIN, mode: MigrationMode = MigrationMode.LIVE) -> Probe:
    through: Callable[[Bench], None] = partial(_move, options=options, mode=mode)
    return Probe(through=through, methods=_METHODS, bare=partial(_bare, flags=flags))


_LIVE: Final = MigrateFlag.LIVE
PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.MIGRATION_LIVE: _probe(_LIVE),
        Capability.MIGRATION_PEER_TO_PEER: Probe(
            through=_move_by_peers, methods=_METHODS, bare=partial(_bare, flags=_LIVE | MigrateFlag.PEER2PEER)
        ),
        Capability.MIGRATION_PAUSED: _probe(MigrateFlag(0), mode=MigrationMode.PAUSED),
        Capability.MIGRATION_OFFLINE: _probe(MigrateFlag.OFFLINE | MigrateFlag.PERSIST_DEST, mode=MigrationMode.OFFLINE),
        Capability.MIGRATION_STORAGE: _probe(
            _LIVE | MigrateFlag.NON_SHARED_DISK, MigrationOptions(storage=MigrationStorage.COPIED)
        ),
        Capability.MIGRATION_AUTO_CONVERGE: _probe(_LIVE | MigrateFlag.AUTO_CONVERGE, MigrationOptions(auto_converge=True)),
        Capability.MIGRATION_POST_COPY: _probe(_LIVE | MigrateFlag.POSTCOPY, MigrationOptions(post_copy=True)),
    }
)
