"""What is kept for cases that need hosts of their own, and the order that brings them to few workers."""

import pytest

from virtproof.backends.loading import load_all
from virtproof.cases import Case, Level
from virtproof.own_hosts import GROUPS, Kept, dealt, kept
from virtproof.selection import manifest_id
from virtproof_driver import Capability

BACKENDS = {backend.name: backend for backend in load_all(("qemu", "lxc", "test-rpc"))}


def wanting(*needs: Capability, id_: str = "area.case") -> Case:
    return Case(id=id_, level=Level.MUST, requirement="", source="", since="1.0", needs=frozenset(needs))


PLAIN = wanting(Capability.SPAWN)
BREAKING = wanting(Capability.SPAWN, Capability.CONNECTION_RECONNECT)
MOVING = wanting(Capability.SPAWN, Capability.MIGRATION_LIVE)
BOTH = wanting(Capability.CONNECTION_RECONNECT, Capability.MIGRATION_LIVE)


@pytest.mark.parametrize(
    ("case", "on_qemu", "on_lxc"),
    [
        (PLAIN, Kept.NONE, Kept.NONE),
        (BREAKING, Kept.ONE, Kept.ONE),
        (MOVING, Kept.PAIR, Kept.NONE),
        (BOTH, Kept.PAIR, Kept.ONE),
        (wanting(id_=manifest_id(Capability.MIGRATION_OFFLINE)), Kept.PAIR, Kept.NONE),
    ],
)
def test_what_is_kept_is_what_its_lane_has_in_containers(case: Case, on_qemu: Kept, on_lxc: Kept) -> None:
    assert (kept(case, BACKENDS["qemu"]), kept(case, BACKENDS["lxc"])) == (on_qemu, on_lxc)


@pytest.mark.parametrize("case", [PLAIN, BREAKING, MOVING])
def test_nothing_is_kept_where_a_daemon_ends_with_its_case(case: Case) -> None:
    assert kept(case, BACKENDS["test-rpc"]) is Kept.NONE


def pieces(names: list[str], workers: int) -> list[list[str]]:
    """As xdist's worksteal cuts a list."""
    found: list[list[str]] = []
    for left in range(workers, 0, -1):
        found.append(names[: len(names) // left])
        del names[: len(names) // left]
    return found


PAIRS = [(f"pair{number}", "qemu/unix", Kept.PAIR) for number in range(3)]
ONES = [("qemu0", "qemu/unix", Kept.ONE), ("lxc0", "lxc/unix", Kept.ONE), ("qemu1", "qemu/unix", Kept.ONE)]
OTHERS = [(f"other{number}", "qemu/unix", Kept.NONE) for number in range(12)]


def test_each_group_begins_a_workers_piece() -> None:
    assert GROUPS == {Kept.PAIR: 2, Kept.ONE: 1}
    mixed = [*OTHERS[:5], *PAIRS, *OTHERS[5:], *ONES]
    assert pieces(dealt(mixed, 4), 4) == [
        ["pair0", "pair2", "other0", "other1"],
        ["pair1", "other2", "other3", "other4"],
        ["qemu0", "qemu1", "other5", "other6", "other7"],
        ["lxc0", "other8", "other9", "other10", "other11"],
    ]


def test_fewer_workers_get_several_groups() -> None:
    first, second = pieces(dealt([*OTHERS, *PAIRS, *ONES], 2), 2)
    assert first[:5] == ["pair0", "pair2", "qemu0", "qemu1", "other0"]
    assert second[:3] == ["pair1", "lxc0", "other5"]


@pytest.mark.parametrize("workers", [1, 2, 3, 8, 40])
def test_every_case_is_dealt_once(workers: int) -> None:
    everything = [*OTHERS, *ONES, *PAIRS]
    assert sorted(dealt(everything, workers)) == sorted(name for name, _, _ in everything)


def test_a_group_that_is_longer_than_a_piece_stays_together() -> None:
    assert dealt([*OTHERS[:1], *ONES], 4)[:2] == ["qemu0", "qemu1"]


def test_without_such_cases_nothing_changes() -> None:
    assert dealt(OTHERS, 5) == [name for name, _, _ in OTHERS]
