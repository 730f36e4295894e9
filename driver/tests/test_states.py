"""States and reasons are told in libvirt's own words."""

from uuid import UUID

import pytest

from virtproof_driver.binding import Binding
from virtproof_driver.constants import DomainState
from virtproof_driver.states import POWER_STATES, REASONS, UNKNOWN, instance_of, power_state
from virtproof_driver.values import Instance, PowerState

NEWER_THAN_9_0 = {"api-error"}


@pytest.mark.parametrize("state", DomainState, ids=lambda state: state.name)
def test_each_reason_is_libvirts_name_for_it(state: DomainState, binding: Binding) -> None:
    for number, reason in enumerate(REASONS[state]):
        if reason not in NEWER_THAN_9_0:
            assert getattr(binding, f"VIR_DOMAIN_{state.name}_{reason.upper().replace('-', '_')}") == number


@pytest.mark.parametrize("state", DomainState, ids=lambda state: state.name)
def test_each_reason_of_libvirt_has_a_word(state: DomainState, binding: Binding) -> None:
    prefix = f"VIR_DOMAIN_{state.name}_"
    flags = {"VIR_DOMAIN_SHUTDOWN_"}  # the flags of virDomainShutdownFlags share this state's prefix
    theirs = {getattr(binding, name) for name in dir(binding) if name.startswith(prefix) and prefix not in flags}
    assert theirs <= set(range(len(REASONS[state])))


def test_every_state_is_told_apart() -> None:
    assert set(POWER_STATES) == set(DomainState)
    assert len(set(POWER_STATES.values())) == len(DomainState)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        pytest.param((1, 1), (PowerState.RUNNING, "booted"), id="running"),
        pytest.param((3, 5), (PowerState.PAUSED, "ioerror"), id="paused by a full disk"),
        pytest.param((4, 1), (PowerState.SHUTTING_DOWN, "user"), id="on the way down"),
        pytest.param((5, 5), (PowerState.OFF, "saved"), id="managed save"),
        pytest.param((5, 99), (PowerState.OFF, UNKNOWN), id="a newer reason"),
        pytest.param((5, -1), (PowerState.OFF, UNKNOWN), id="a negative reason"),
        pytest.param((99, 0), (PowerState.NO_STATE, UNKNOWN), id="a newer state"),
    ],
)
def test_power_state(numbers: tuple[int, int], expected: tuple[PowerState, str]) -> None:
    assert power_state(*numbers) == expected


def test_instance_of_one_read() -> None:
    uuid = UUID(int=1)
    assert instance_of(uuid, "a", [5, 2]) == Instance(uuid=uuid, name="a", state=PowerState.OFF, reason="destroyed")
