"""Probes of guests that run: of their coming up, their screens and displays, and the guest agent.

What belongs here: their questions. What does not: consoles (`consoles`), and what an answer means (`agreement`).
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.probes.bench import Bench, bare_domain, require, running, up
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.errors import AgentUnresponsive
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
    """An instance with a channel for a guest agent. Raises Refused where none answers there."""
    with running(bench, replace(bench.small(), agent=True)) as instance:
        try:
            yield instance
        except AgentUnresponsive as error:
            raise Refused(f"no guest agent answers: {error}") from error


def _password(bench: Bench) -> None:
    with _with_agent(bench) as instance:
        bench.driver.set_admin_password(instance.uuid, "root", _PASSWORD)


def _bare_password(bench: Bench) -> None:
    with bare_domain(bench) as domain:
        domain.setUserPassword("root", _PASSWORD, 0)


def _quiesce(bench: Bench) -> None:
    with _with_agent(bench) as instance:
        bench.driver.quiesce(instance.uuid)
        bench.driver.unquiesce(instance.uuid)


def _bare_quiesce(bench: Bench) -> None:
    with bare_domain(bench) as domain:
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
