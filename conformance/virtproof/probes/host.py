"""Probes of the areas host, inventory and diagnostics.

What belongs here: their questions. What does not: what an answer means (`agreement`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from virtproof.probes.bench import Bench, bare_domain, require, running
from virtproof.probes.model import Probe
from virtproof_driver import Capability

_MADE: Final = ("spawn", "destroy")


def _host(bench: Bench) -> None:
    bench.driver.host()


def _bare_host(bench: Bench) -> None:
    bench.host().getInfo()


def _host_stats(bench: Bench) -> None:
    require(bench.driver.host_stats().cpu_ns, "no processor times")


def _bare_host_stats(bench: Bench) -> None:
    require(bench.host().getCPUStats(-1), "no processor times")


def _inventory(bench: Bench) -> None:
    with running(bench) as instance:
        require(instance.uuid in {each.uuid for each in bench.driver.instances()}, "a spawned instance is not listed")
        bench.driver.instance(instance.uuid)
        require(bench.driver.spec(instance.uuid).uuid == instance.uuid, "spec() reads another definition")


def _books(bench: Bench) -> None:
    with running(bench) as instance:
        books = bench.driver.books()
        require(books.reachable, "a host that answers is told to be lost")
        found = next((each for each in books.instances if each.uuid == instance.uuid), None)
        require(found is not None and found.state is instance.state, "a spawned instance is not in the books as it is")


def _bare_inventory(bench: Bench) -> None:
    bench.host().listAllDomains()


def _diagnostics(bench: Bench) -> None:
    with running(bench) as instance:
        bench.driver.diagnostics(instance.uuid)


def _bare_diagnostics(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.info()


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.HOST_INFO: Probe(through=_host, methods=("host",), bare=_bare_host),
        Capability.HOST_STATS: Probe(through=_host_stats, methods=("host_stats",), bare=_bare_host_stats),
        Capability.INVENTORY: Probe(through=_inventory, methods=(*_MADE, "instances", "instance", "spec"), bare=_bare_inventory),
        Capability.BOOKS: Probe(through=_books, methods=(*_MADE, "books")),
        Capability.DIAGNOSTICS: Probe(through=_diagnostics, methods=(*_MADE, "diagnostics"), bare=_bare_diagnostics),
    }
)
