"""Instances with a guest agent: the spec, and waiting until the agent is connected.

What belongs here: the spec, and the look past every driver with its deadline. What does not: what the guest `agent` does
(`catalogue`), and guests as such that come up (`coming_up`). libvirt tells by an event, and in the domain's XML, that an agent
opened its channel, which it does a moment after its guest is up. So this is a bounded look again and again, as there.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import Final
from xml.etree.ElementTree import fromstring

from virtproof.guests.catalogue import AGENT
from virtproof_driver.binding import Domain
from virtproof_driver.spec import InstanceSpec, VolumeSource

_BETWEEN: Final = 0.01  # seconds


def with_agent(small: Callable[..., InstanceSpec]) -> InstanceSpec:
    """The smallest instance with an agent: the guest `agent` where a machine boots a guest, else a channel and nobody on it."""
    spec = small()
    boots = any(isinstance(disk.source, VolumeSource) for disk in spec.disks)
    return small(guest=AGENT.name) if boots else replace(spec, agent=True)


def answers(spec: InstanceSpec) -> bool:
    """Whether the guest of a spec is the one with an agent, so that it can be waited for."""
    return any(isinstance(disk.source, VolumeSource) and disk.source.volume == AGENT.volume for disk in spec.disks)


def await_agent(domain: Domain, *, timeout: float = 10) -> None:
    """Return once the agent of the domain is connected. Raises AssertionError when `timeout` seconds pass first."""
    deadline = time.monotonic() + timeout
    while not _is_connected(domain.XMLDesc(0)):
        if time.monotonic() > deadline:
            raise AssertionError(f"the agent of {domain.name()} did not connect within {timeout:g} s")
        Event().wait(_BETWEEN)


def _is_connected(xml: str) -> bool:
    return any(target.get("state") == "connected" for target in fromstring(xml).iterfind("devices/channel/target"))
