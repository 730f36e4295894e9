"""Probes of the areas storage and networks.

What belongs here: their questions. What does not: what an answer means (`agreement`).
"""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

from virtproof.probes.bench import VOLUME_BYTES, Bench, bare_volume, bridge, driven_pool, driven_volume, past
from virtproof.probes.devices import bare_download
from virtproof.probes.model import Probe
from virtproof_driver import Capability
from virtproof_driver.markup.network import network_xml
from virtproof_driver.markup.storage import volume_xml
from virtproof_driver.spec import ForwardMode, NetworkSpec

_POOLS: Final = ("create_pool", "delete_pool")
_VOLUMES: Final = (*_POOLS, "create_volume", "delete_volume")
_NETWORKS: Final = ("create_network", "delete_network")


def _pools(bench: Bench) -> None:
    with driven_pool(bench) as name:
        bench.driver.pool(name)


def _volumes(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        bench.driver.volume(pool, name)


def _bare_volumes(bench: Bench) -> None:
    with bare_volume(bench) as volume:
        volume.info()


def _clone(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        copy = bench.volume()
        bench.driver.clone_volume(pool, name, copy)
        bench.driver.delete_volume(pool, copy.name)


def _bare_clone(bench: Bench) -> None:
    with bare_volume(bench) as volume:
        pool = past(volume, "storagePoolLookupByVolume")
        pool.createXMLFrom(volume_xml(bench.volume()), volume, 0).delete()


def _resize(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        bench.driver.resize_volume(pool, name, 2 * VOLUME_BYTES)


def _bare_resize(bench: Bench) -> None:
    with bare_volume(bench) as volume:
        volume.resize(2 * VOLUME_BYTES, 0)


def _upload(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        bench.call("upload_volume", pool, name, iter([b"probe"]))


def _bare_upload(bench: Bench) -> None:
    with bare_volume(bench) as volume:
        stream = bench.host().newStream(0)
        past(volume, "upload", stream, 0, 0, 0)
        stream.abort()


def _download(bench: Bench) -> None:
    with driven_volume(bench) as (pool, name):
        bench.call("download_volume", pool, name, bytearray().extend)


def _isolated(bench: Bench) -> NetworkSpec:
    name = bench.names("net")
    return NetworkSpec(name=name, forward=ForwardMode.ISOLATED, bridge=bridge(name))


def _networks(bench: Bench) -> None:
    spec = _isolated(bench)
    bench.driver.create_network(spec)
    bench.driver.delete_network(spec.name)


def _bare_networks(bench: Bench) -> None:
    bench.host().networkDefineXML(network_xml(_isolated(bench))).undefine()


def _leases(bench: Bench) -> None:
    spec = _isolated(bench)
    bench.driver.create_network(spec)
    try:
        bench.call("leases", spec.name)
    finally:
        bench.driver.delete_network(spec.name)


def _bare_leases(bench: Bench) -> None:
    network = bench.host().networkDefineXML(network_xml(_isolated(bench)))
    try:
        network.create()
        network.DHCPLeases(None, 0)
    finally:
        with suppress(Exception):  # it did not start
            network.destroy()
        network.undefine()


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.STORAGE_POOLS: Probe(through=_pools, methods=(*_POOLS, "pool"), bare=_bare_volumes),
        Capability.STORAGE_VOLUMES: Probe(through=_volumes, methods=(*_VOLUMES, "volume"), bare=_bare_volumes),
        Capability.STORAGE_CLONE: Probe(through=_clone, methods=(*_VOLUMES, "clone_volume"), bare=_bare_clone),
        Capability.STORAGE_RESIZE: Probe(through=_resize, methods=(*_VOLUMES, "resize_volume"), bare=_bare_resize),
        Capability.STORAGE_UPLOAD: Probe(through=_upload, methods=(*_VOLUMES, "upload_volume"), bare=_bare_upload),
        Capability.STORAGE_DOWNLOAD: Probe(through=_download, methods=(*_VOLUMES, "download_volume"), bare=bare_download),
        Capability.NETWORKS: Probe(through=_networks, methods=_NETWORKS, bare=_bare_networks),
        Capability.NETWORK_LEASES: Probe(through=_leases, methods=(*_NETWORKS, "leases"), bare=_bare_leases),
    }
)
