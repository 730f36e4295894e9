"""Removing what bears a worker's prefix from a host, and nothing else.

What belongs here: finding such objects and removing them past the driver. What does not: deciding when (`lanes`). Each removal is
tried by itself: what another client removed meanwhile, or what libvirt will not remove, does not keep the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from virtproof_driver.binding import Binding, Connection, Domain, Network, Secret, StoragePool
from virtproof_driver.constants import UndefineFlag

_FLAGS = UndefineFlag.MANAGED_SAVE | UndefineFlag.SNAPSHOTS_METADATA
_MORE_FLAGS = _FLAGS | UndefineFlag.NVRAM | UndefineFlag.CHECKPOINTS_METADATA


class _Named(Protocol):
    def name(self) -> str: ...


class _Used:
    """A secret by what it is for, since it has no name."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def name(self) -> str:
        return self._secret.usageID()


def reap(binding: Binding, connection: Connection, prefix: str) -> tuple[str, ...]:
    """Remove domains, networks, volumes, pools and secrets (by usage) that bear the prefix; their names, the kind before each.

    Raises ValueError for an empty prefix, which everything bears.
    """
    if not prefix:
        raise ValueError("an empty prefix would name everything on the host")
    kinds: tuple[tuple[str, Callable[[], Iterator[tuple[_Named, Sequence[Callable[[], object]]]]]], ...] = (
        ("domain", lambda: ((each, _of_domain(each)) for each in connection.listAllDomains())),
        ("volume", lambda: _volumes(connection)),
        ("pool", lambda: ((each, _of_pool(each)) for each in connection.listAllStoragePools())),
        ("network", lambda: ((each, _of_network(each)) for each in connection.listAllNetworks())),
        ("secret", lambda: ((_Used(each), (each.undefine,)) for each in connection.listAllSecrets())),
    )
    removed: list[str] = []
    for kind, found in kinds:
        for each, steps in _listed(binding, found):
            if each.name().startswith(prefix):
                _take(binding, steps)
                removed.append(f"{kind} {each.name()}")
    return tuple(removed)


def _of_domain(domain: Domain) -> Sequence[Callable[[], object]]:
    return (
        domain.destroy,
        lambda: domain.undefineFlags(_MORE_FLAGS),
        lambda: domain.undefineFlags(_FLAGS),
        lambda: domain.undefineFlags(0),
    )


def _of_network(network: Network) -> Sequence[Callable[[], object]]:
    return (network.destroy, network.undefine)


def _of_pool(pool: StoragePool) -> Sequence[Callable[[], object]]:
    return (pool.destroy, pool.delete, pool.undefine)  # delete removes a folder that is empty


def _volumes(connection: Connection) -> Iterator[tuple[_Named, Sequence[Callable[[], object]]]]:
    for pool in connection.listAllStoragePools():
        if pool.isActive():
            yield from ((volume, (volume.delete,)) for volume in pool.listAllVolumes())


def _listed(
    binding: Binding, found: Callable[[], Iterator[tuple[_Named, Sequence[Callable[[], object]]]]]
) -> list[tuple[_Named, Sequence[Callable[[], object]]]]:
    """What there is of a kind; nothing where the hypervisor's driver has no such kind (error 3)."""
    try:
        return list(found())
    except binding.libvirtError:
        return []


def _take(binding: Binding, steps: Sequence[Callable[[], object]]) -> None:
    for step in steps:
        try:
            step()
        except binding.libvirtError:  # off already, gone already, or a flag that this driver refuses: the next step tells
            continue
