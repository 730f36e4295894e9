"""Selection: what a profile, an expression and a seed leave, and the manifest cases that stay whatever they say."""

from virtproof.cases import Case, Level
from virtproof.runs import PlannedCase
from virtproof.selection import Candidate, case_id, in_profile, kept, manifest_id, ordered, planned
from virtproof_driver import Capability


def made(id_: str, *needs: Capability, lane: str = "test") -> Candidate[str]:
    case = Case(id=id_, level=Level.MUST, requirement="", source="", since="1.0", needs=frozenset(needs))
    return Candidate(id=id_, case=case, lane=lane, where="test_made.py:1", item=f"{id_} on {lane}")


DESTROY = made("lifecycle.destroy", Capability.SPAWN, Capability.DESTROY)
PAUSE = made("lifecycle.pause", Capability.SPAWN, Capability.PAUSE)
MANIFEST = [made(manifest_id(each)) for each in (Capability.SPAWN, Capability.DESTROY, Capability.PAUSE, Capability.RESIZE)]
ALL = [DESTROY, PAUSE, *MANIFEST]


def ids(candidates: list[Candidate[str]]) -> list[str]:
    return [candidate.id for candidate in candidates]


def test_a_profile_brings_the_manifest_cases_that_its_cases_rest_on() -> None:
    assert ids(in_profile(ALL, {"lifecycle.destroy"})) == [
        "lifecycle.destroy",
        "manifest.lifecycle.spawn",
        "manifest.lifecycle.destroy",
    ]


def test_an_expression_cannot_take_away_what_the_chosen_rest_on() -> None:
    assert ids(kept(ALL, lambda item: item.startswith("lifecycle.pause"))) == [
        "lifecycle.pause",
        "manifest.lifecycle.spawn",
        "manifest.lifecycle.pause",
    ]


def test_an_expression_that_chooses_nothing_leaves_nothing() -> None:
    assert kept(ALL, lambda item: False) == []


def test_a_seed_gives_one_order_and_zero_keeps_the_given_one() -> None:
    many = [made(f"area.case{number}") for number in range(50)]
    assert ids(ordered(many, 0)) == ids(many)
    assert ids(ordered(many, 7)) == ids(ordered(many, 7))
    assert ids(ordered(many, 7)) != ids(many)
    assert sorted(ids(ordered(many, 7))) == sorted(ids(many))


def test_an_id_has_the_parameter_that_is_not_the_lane() -> None:
    assert case_id("a.b", "test", "test") == "a.b"
    assert case_id("a.b", "test-rpc/unix-paused", "test-rpc/unix") == "a.b[paused]"
    assert case_id("a.b", "test-two-words", "test") == "a.b[two-words]"


def test_a_plan_has_each_case_once_and_says_what_was_left_out() -> None:
    both = [PAUSE, made("lifecycle.destroy", lane="test-rpc/unix"), DESTROY]
    assert planned(both, {"lifecycle.destroy"}) == (
        PlannedCase(id="lifecycle.destroy", case=DESTROY.case, where="test_made.py:1", selected=True),
        PlannedCase(id="lifecycle.pause", case=PAUSE.case, where="test_made.py:1", selected=False),
    )
