"""Probes of consoles.

What belongs here: their questions. What does not: screens and displays (`guest`), and what an answer means (`agreement`).
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.lanes.facts import hypervisor_of
from virtproof.probes.bench import Bench, bare_defined, bare_pool, driven_pool, past, require, running
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.binding import Domain
from virtproof_driver.errors import Busy
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.markup.storage import parse_pool
from virtproof_driver.spec import Console, InstanceSpec

_MADE: Final = ("spawn", "destroy")
_LOG: Final = "probe.log"
_FORCE: Final = 1


def _with_console(bench: Bench) -> InstanceSpec:
    return replace(bench.small(), consoles=(Console(),))


def _output(bench: Bench) -> None:
    """The log's pool is the probe's own, so that nothing depends on what the host has."""
    with driven_pool(bench) as pool:
        target = parse_pool(bench.host().storagePoolLookupByName(pool).XMLDesc(0)).target
        spec = replace(bench.small(), consoles=(Console(log=f"{target}/{_LOG}"),))
        with running(bench, spec) as instance:
            told = bench.call("console_output", instance.uuid)
            require(isinstance(told, bytes), f"console_output() gave {type(told).__name__}, not bytes")


def _bare_output(bench: Bench) -> None:
    """The host has made the log's file by the time that the domain runs."""
    with bare_pool(bench) as pool:
        log = f"{parse_pool(pool.XMLDesc(0)).target}/{_LOG}"
        spec = replace(bench.small(), consoles=(Console(log=log),))
        with bare_defined(bench, domain_xml(spec, hypervisor_of(bench.host()))):
            pool.refresh()
            pool.storageVolLookupByName(_LOG).delete()


def _stream(bench: Bench) -> None:
    with running(bench, _with_console(bench)) as instance:
        bench.driver.console(instance.uuid).close()


def _bare_stream(bench: Bench) -> None:
    with _bare_with_console(bench) as domain:
        stream = bench.host().newStream(0)
        domain.openConsole(None, stream, 0)
        stream.abort()


def _exclusive(bench: Bench) -> None:
    with running(bench, _with_console(bench)) as instance, bench.driver.console(instance.uuid):
        try:
            bench.driver.console(instance.uuid).close()
        except Busy:
            bench.driver.console(instance.uuid, force=True).close()
        else:
            raise Refused("a second console() was let in")


def _bare_exclusive(bench: Bench) -> None:
    with _bare_with_console(bench) as domain:
        first, second = bench.host().newStream(0), bench.host().newStream(0)
        domain.openConsole(None, first, 0)
        past(domain, "openConsole", None, second, _FORCE)
        second.abort()


@contextmanager
def _bare_with_console(bench: Bench) -> Generator[Domain]:
    with bare_defined(bench, domain_xml(_with_console(bench), hypervisor_of(bench.host()))) as domain:
        yield domain


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.CONSOLE_OUTPUT: Probe(through=_output, methods=(*_MADE, "console_output"), bare=_bare_output),
        Capability.CONSOLE_STREAM: Probe(through=_stream, methods=(*_MADE, "console"), bare=_bare_stream),
        Capability.CONSOLE_EXCLUSIVE: Probe(through=_exclusive, methods=(*_MADE, "console"), bare=_bare_exclusive),
    }
)
