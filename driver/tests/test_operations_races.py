"""Tests of starts that another start is in the way of, as on LXC where two ask the kernel for one loop device.

The host is libvirt's test driver, given the words of such a refusal; its first creates are refused.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from virtproof_driver.driver import LibvirtDriver
from virtproof_driver.errors import HypervisorError
from virtproof_driver.hypervisors.lxc import LXC
from virtproof_driver.hypervisors.test import TEST
from virtproof_driver.operations.transitions import RACES
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import PowerState

BUSY = "internal error: guest failed to start: Unable to attach /root.img to loop device: Device or resource busy"
Refuse = Callable[[HypervisorError, int], list[str]]


@pytest.fixture
def refuse(driver: LibvirtDriver, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    """Have so many creates refused; what is returned grows by an entry a create."""
    made = driver.link.call
    monkeypatch.setattr(type(driver.link), "hypervisor", replace(TEST, start_races=LXC.start_races))

    def refuse(error: HypervisorError, times: int) -> list[str]:
        creates: list[str] = []

        def call(function: Callable[..., object], /, *arguments: object) -> object:
            if getattr(function, "__name__", "") == "create":
                creates.append("create")
                if len(creates) <= times:
                    raise error
            return made(function, *arguments)

        monkeypatch.setattr(driver.link, "call", call)
        return creates

    return refuse


def test_a_start_that_lost_a_race_is_made_again(driver: LibvirtDriver, small: InstanceSpec, refuse: Refuse) -> None:
    creates = refuse(HypervisorError(1, 17, BUSY), 2)
    assert driver.spawn(small).state is PowerState.RUNNING
    assert len(creates) == 3


def test_a_start_that_loses_every_race_is_given_up(driver: LibvirtDriver, small: InstanceSpec, refuse: Refuse) -> None:
    driver.spawn(small, start=False)
    lost = HypervisorError(1, 17, BUSY)
    creates = refuse(lost, 1 + RACES)
    with pytest.raises(HypervisorError) as caught:
        driver.start(small.uuid)
    assert caught.value is lost
    assert len(creates) == 1 + RACES
    assert driver.instance(small.uuid).state is PowerState.OFF


def test_another_refusal_of_a_start_is_told_at_once(driver: LibvirtDriver, small: InstanceSpec, refuse: Refuse) -> None:
    creates = refuse(HypervisorError(1, 17, "internal error: guest failed to start: no init"), 1)
    with pytest.raises(HypervisorError, match="no init"):
        driver.spawn(small)
    assert len(creates) == 1
