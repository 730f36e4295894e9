"""Guests with an agent: which spec has one, and waiting until it is connected."""

from itertools import count
from typing import Any, cast

import pytest

from virtproof.guests.answering import answers, await_agent, with_agent
from virtproof.lanes.model import Furniture
from virtproof.lanes.smallest import smallest
from virtproof_driver.binding import Domain
from virtproof_driver.spec import InstanceSpec

FURNITURE = Furniture(pool="pool", network="net")
STATES = "<domain><devices><channel type='unix'><target type='virtio' name='a' state='{}'/></channel></devices></domain>"


def machine(guest: str | None = None) -> InstanceSpec:
    """The smallest machine on a host with guests."""
    return smallest("QEMU", "vm", 1, FURNITURE, guest)


def bare(guest: str | None = None) -> InstanceSpec:
    """The smallest instance of libvirt's test driver, which runs no guest."""
    return smallest("TEST", "vm", 1, None, guest)


class Connecting:
    """A domain whose agent is connected at the n-th look."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.looks = count(1)

    def XMLDesc(self, _flags: int) -> str:
        return STATES.format("connected" if next(self.looks) >= self.at else "disconnected")

    def name(self) -> str:
        return "vm"


def domain(fake: Connecting) -> Domain:
    """The fake as the seam's domain."""
    return cast("Domain", cast("Any", fake))


def test_a_machine_that_boots_a_guest_boots_the_one_with_an_agent() -> None:
    spec = with_agent(machine)
    assert (spec.agent, spec.machine, answers(spec)) == (True, "pc", True)
    assert not answers(machine())


def test_without_guests_there_is_a_channel_and_nobody_on_it() -> None:
    spec = with_agent(bare)
    assert (spec.agent, answers(spec)) == (True, False)


@pytest.mark.parametrize("at", [1, 3])
def test_an_agent_is_waited_for_until_it_is_connected(at: int) -> None:
    fake = Connecting(at)
    await_agent(domain(fake))
    assert next(fake.looks) == at + 1


def test_an_agent_that_does_not_connect_is_told() -> None:
    with pytest.raises(AssertionError, match="the agent of vm did not connect within 0 s"):
        await_agent(domain(Connecting(1000)), timeout=0)
