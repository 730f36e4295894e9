"""What one hypervisor never tells so, though another does."""

import pytest

from virtproof.backends.loading import load
from virtproof.judges import Facts, judge_case
from virtproof.judges.facts import HYPERVISORS, facts_of
from virtproof.judges.manners import MANNERS
from virtproof.judges.tape import Tape

STARTS = ((4, 0), (2, 0))
HELD = ((2, 0), (3, 0))


def rules_of(hypervisor: str, *pairs: tuple[int, int]) -> list[str]:
    """The rules that these events break, from the definition of the domain on."""
    tape = Tape(lane=hypervisor)
    tape.events((0, 0), *pairs)
    broken = judge_case(tape.done(), Facts(hypervisor=hypervisor))
    return [found.rule for found in broken if found.rule.startswith("events.")]


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(STARTS, id="start"),
        pytest.param((*HELD, (4, 0)), id="start-paused"),
        pytest.param((*STARTS, (6, 1), (5, 0)), id="guest-ends"),
        pytest.param((*STARTS, (6, 2), (5, 0)), id="terminated"),
        pytest.param((*STARTS, (6, 2), (5, 1), *STARTS), id="destroy"),
        pytest.param((*STARTS, (5, 1)), id="destroy-of-one-that-restarts"),
        pytest.param((*STARTS, (5, 5)), id="killed"),
        pytest.param((*STARTS, (3, 0), (5, 4), (2, 2), (4, 2)), id="save-and-restore"),
        pytest.param((*STARTS, (3, 0), (5, 4), (2, 2), (3, 4)), id="save-and-restore-paused"),
        pytest.param((*STARTS, (6, 2), (5, 6), (2, 3), (4, 2)), id="revert"),
        pytest.param((*STARTS, (5, 6), (2, 3), (3, 5)), id="revert-paused"),
        pytest.param(((2, 0),), id="not-over-yet"),
    ],
)
def test_what_qemu_tells(pairs: tuple[tuple[int, int], ...]) -> None:
    assert rules_of("qemu", *pairs) == []


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(((2, 0), (6, 2), (5, 1)), id="start-without-resumed"),
        pytest.param(((2, 0), (4, 0)), id="resumed-after-started"),
        pytest.param((*STARTS, (5, 0)), id="guest-ends-without-shutdown"),
        pytest.param((*STARTS, (3, 0), (5, 4), (2, 2), (6, 2), (5, 1)), id="restore-without-resumed"),
        pytest.param((*STARTS, (5, 6), (2, 3), (5, 5)), id="revert-without-its-state"),
    ],
)
def test_what_qemu_never_tells(pairs: tuple[tuple[int, int], ...]) -> None:
    assert "events.illegal-transition" in rules_of("qemu", *pairs)


@pytest.mark.parametrize("hypervisor", ["lxc", "test"])
def test_what_has_no_processors_to_hold_tells_a_start_by_one_event(hypervisor: str) -> None:
    assert rules_of(hypervisor, (2, 0), (3, 0), (4, 0), (5, 1)) == []
    assert rules_of(hypervisor, (2, 0), (5, 0)) == []
    assert rules_of(hypervisor, *STARTS) == ["events.illegal-transition"]
    assert "events.illegal-transition" in rules_of(hypervisor, (2, 0), (6, 2), (5, 1))


def test_an_old_libvirt_tells_a_start_from_a_snapshot_as_any_other() -> None:
    """libvirt 7.0.0 told RESUMED before STARTED there, and 9.0.0 tells it after."""
    tape = Tape(lane="qemu")
    tape.events((0, 0), *STARTS, (6, 2), (5, 1), (4, 2), (2, 3), (6, 2), (5, 1), (2, 3), (3, 5))
    old, new = (Facts(hypervisor="qemu", versions={"libvirt": libvirt}) for libvirt in ("7.0.0", "9.0.0"))
    rules = [[found.rule for found in judge_case(tape.done(), facts) if found.rule.startswith("events.")] for facts in (old, new)]
    assert rules == [[], ["events.illegal-transition"]]
    late = Tape(lane="qemu")
    late.events((0, 0), *STARTS, (6, 2), (5, 1), (2, 3), (4, 2))
    assert "events.illegal-transition" in [found.rule for found in judge_case(late.done(), old)]


def test_an_unknown_hypervisor_has_no_manners() -> None:
    assert rules_of("", (2, 0), (6, 2), (5, 1)) == []


def test_the_hypervisor_is_known_by_the_products_of_the_lane() -> None:
    assert set(MANNERS) == set(HYPERVISORS)
    backend = load("test")
    assert facts_of(backend, {"libvirt": "9.0.0", "test": "0.0.2", "python": "3.11"}).hypervisor == "test"
    assert facts_of(backend, {"libvirt": "9.0.0", "python": "3.11"}).hypervisor == ""
