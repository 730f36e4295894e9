"""Probes of guests that run: of their coming up, their screens and displays, and the guest agent.

What belongs here: their questions. What does not: consoles (`consoles`), and what an answer means (`agreement`).
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.guests.answering import answers, await_agent, with_agent
from virtproof.lanes.facts import hypervisor_of
from virtproof.probes.bench import Bench, bare_defined, bare_domain, require, running, up
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.binding import Domain
from virtproof_driver.errors import AgentUnresponsive
from virtproof_driver.markup.domain import domain_xml
from virtproof_driver.spec import Graphics
from virtproof_driver.values import Instance

_MADE: Final = ("spawn", "destroy")
_PASSWORD: Final = "probe"  # noqa: S105 - for a guest of the suite's own


def _screenshot(bench: Bench) -> None:
    written = bytearray()
    with running(bench, replace(bench.small(), graphics=(Graphics(),))) as instance:
        bench.driver.screenshot(instance.uuid, written.extend)
    require(written, "the image is empty")


def _bare_screenshot(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        stream = bench.host().newStream(0)
        domain.screenshot(stream, 0, 0)
        stream.abort()


def _graphics(bench: Bench) -> None:
    with running(bench, replace(bench.small(), graphics=(Graphics(),))) as instance:
        require(bench.driver.graphics(instance.uuid), "a display was asked for and none is listed")


def _bare_graphics(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        require("<graphics" in domain.XMLDesc(0), "a display was asked for and none is there")


def _guests(bench: Bench) -> None:
    """A guest that the lane has comes up, which its host sees."""
    spec = bench.small()
    if Capability.GUESTS not in bench.driver.capabilities or not (spec.disks or spec.init):
        raise Refused("the driver does not claim it, or the lane's smallest instance has no guest")
    with up(bench):
        pass


@contextmanager
def _with_agent(bench: Bench) -> Generator[Instance]:
    """An instance with a channel for an agent, connected where the lane has such a guest. Raises Refused where none answers."""
    spec = with_agent(bench.small)
    with running(bench, spec) as instance:
        if answers(spec):
            await_agent(bench.host().lookupByUUIDString(str(instance.uuid)))
        try:
            yield instance
        except AgentUnresponsive as error:
            raise Refused(f"no guest agent answers: {error}") from error


@contextmanager
def _bare_with_agent(bench: Bench) -> Generator[Domain]:
    """The same made past the driver."""
    spec = with_agent(bench.small)
    with bare_defined(bench, domain_xml(spec, hypervisor_of(bench.host()))) as domain:
        if answers(spec):
            await_agent(domain)
        yield domain


def _password(bench: Bench) -> None:
    with _with_agent(bench) as instance:
        bench.driver.set_admin_password(instance.uuid, "root", _PASSWORD)


def _bare_password(bench: Bench) -> None:
    with _bare_with_agent(bench) as domain:
        domain.setUserPassword("root", _PASSWORD, 0)


def _quiesce(bench: Bench) -> None:
    with _with_agent(bench) as instance:
        frozen = bench.driver.quiesce(instance.uuid)
        require(bench.driver.unquiesce(instance.uuid) == frozen, f"{frozen} file systems were frozen, and not as many thawed")


def _bare_quiesce(bench: Bench) -> None:
    with _bare_with_agent(bench) as domain:
        domain.fsFreeze(None, 0)
        domain.fsThaw(None, 0)


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.GUESTS: Probe(through=_guests, methods=_MADE),
        Capability.SCREENSHOT: Probe(through=_screenshot, methods=(*_MADE, "screenshot"), bare=_bare_screenshot),
        Capability.GRAPHICS: Probe(through=_graphics, methods=(*_MADE, "graphics"), bare=_bare_graphics),
        Capability.AGENT_PASSWORD: Probe(through=_password, methods=(*_MADE, "set_admin_password"), bare=_bare_password),
        Capability.AGENT_QUIESCE: Probe(through=_quiesce, methods=(*_MADE, "quiesce", "unquiesce"), bare=_bare_quiesce),
    }
)
