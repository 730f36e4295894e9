"""Verdicts: how outcomes, violations, the manifest and known bugs become one verdict a case."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from virtproof.backends.model import Backend, Basis, KnownBug, Unsupported
from virtproof.cases import Case, Level
from virtproof.evidence import Kind, Record
from virtproof.judges.tape import Tape
from virtproof.judging import digest, judge
from virtproof.runs import PlannedCase, PlannedLane, Run
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict
from virtproof_driver import Capability

PAUSE = "lifecycle.pause.idempotent"
BUG = KnownBug(case=PAUSE, reason="it is so", link="https://example.org/1")
BACKEND = Backend(name="test", basis=Basis.MOCK, uri="", origin="test.toml", provisioner="test")


def planned(id_: str, *needs: Capability, level: Level = Level.MUST, selected: bool = True) -> PlannedCase:
    made = Case(
        id=id_.partition("[")[0],
        level=level,
        requirement="Pausing twice changes nothing.",
        source="virDomainSuspend",
        since="1.0",
        needs=frozenset(needs),
    )
    return PlannedCase(id=id_, case=made, where="test_lifecycle.py:7", selected=selected)


def run_of(*cases: PlannedCase, keyword: str = "", unavailable: tuple[str, ...] = ()) -> Run:
    return Run(
        suite_version="1.0",
        profile="full",
        driver="virtproof_driver:connect",
        driver_version="0.1.0",
        seed=0,
        keyword=keyword,
        lanes=(PlannedLane(backend="test", origin="test.toml", transport="in-process", label="test"),),
        cases=cases,
        unavailable=unavailable,
    )


def lane_record(line: int = 1) -> Record:
    data = {"versions": {"libvirt": "9.0.0"}, "fingerprint": "f1", "basis": "mock", "transport": "in-process"}
    return Record(worker="w0", lane="test", case="", t=1.0, kind=Kind.LANE, data=data, line=line)


def evidence(id_: str, outcome: str, message: str = "", first_line: int = 2) -> tuple[Record, ...]:
    return Tape(case=id_, first_line=first_line).done(outcome, message)


def report(run: Run, *records: Record, backend: Backend = BACKEND, suite: Iterable[str] = ()) -> Report:
    return judge(run, (lane_record(), *records), {"test": backend}, frozenset(suite))


def results(run: Run, *records: Record, backend: Backend = BACKEND, suite: Sequence[str] = ()) -> dict[str, CaseResult]:
    (lane,) = report(run, *records, backend=backend, suite=suite).lanes
    return {result.id: result for result in lane.cases}


def test_a_case_that_passed_is_reported_whole() -> None:
    (lane,) = report(run_of(planned(PAUSE)), *evidence(PAUSE, "passed")).lanes
    assert lane == LaneResult(
        backend="test",
        basis="mock",
        transport="in-process",
        versions={"libvirt": "9.0.0"},
        fingerprint="f1",
        cases=(
            CaseResult(
                id=PAUSE,
                level=Level.MUST,
                verdict=Verdict.PASS,
                reason="",
                seconds=lane.cases[0].seconds,
                evidence=(2, 3),
                requirement="Pausing twice changes nothing.",
                source="virDomainSuspend",
                where="test_lifecycle.py:7",
            ),
        ),
    )
    assert lane.conformant


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [("passed", Verdict.PASS), ("failed", Verdict.FAIL), ("error", Verdict.ERROR), ("strange", Verdict.ERROR)],
)
def test_the_outcome_decides_where_nothing_is_broken(outcome: str, verdict: Verdict) -> None:
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, outcome, "because"))[PAUSE]
    assert found.verdict is verdict
    assert verdict is Verdict.PASS or "because" in found.reason or "strange" in found.reason


def test_a_broken_rule_fails_a_case_that_passed() -> None:
    tape = Tape(case=PAUSE, first_line=2)
    tape.events((0, 0), (2, 0), (2, 0))
    found = results(run_of(planned(PAUSE)), *tape.done())[PAUSE]
    assert (found.verdict, found.reason) == (Verdict.FAIL, "events.duplicate: STARTED (2,0) was sent twice")
    assert [violation.evidence for violation in found.violations] == [(4, 5)]


def test_evidence_that_is_cut_off_is_an_error() -> None:
    whole = evidence(PAUSE, "passed")
    cut = results(run_of(planned(PAUSE)), *whole[:-1])[PAUSE]
    headless = results(run_of(planned(PAUSE)), *whole[1:])[PAUSE]
    assert (cut.verdict, headless.verdict) == (Verdict.ERROR, Verdict.ERROR)
    assert "no end" in cut.reason
    assert headless.reason.startswith("complete.unfinished-case: ")


def test_what_did_not_run_says_why() -> None:
    other = "lifecycle.stop.forced"
    run = run_of(planned(PAUSE), planned(other, selected=False), keyword="pause")
    found = results(run)
    assert {id_: result.verdict for id_, result in found.items()} == dict.fromkeys((PAUSE, other), Verdict.NOT_RUN)
    assert found[other].reason == "left out by -k pause"
    assert "the evidence has nothing of it" in found[PAUSE].reason


def test_a_lane_that_could_not_be_had_is_not_run_with_its_reason() -> None:
    line = "test: no libvirtd; install libvirt-daemon"
    (lane,) = judge(run_of(planned(PAUSE), unavailable=(line,)), (), {"test": BACKEND}).lanes
    assert (lane.cases[0].verdict, lane.cases[0].reason, lane.versions, lane.conformant) == (Verdict.NOT_RUN, line, {}, False)


UNSUPPORTED = replace(BACKEND, unsupported=(Unsupported(capability=Capability.PAUSE, reason="it has no pause"),))
MANIFEST = "manifest.lifecycle.pause"


def pause_and_manifest(manifest: str) -> tuple[Run, tuple[Record, ...]]:
    run = run_of(planned(PAUSE, Capability.PAUSE), planned(MANIFEST))
    return run, (*evidence(PAUSE, "unsupported", "declared"), *evidence(MANIFEST, manifest, "it lied", first_line=4))


def test_unsupported_counts_when_declared_and_proven() -> None:
    run, records = pause_and_manifest("passed")
    found = results(run, *records, backend=UNSUPPORTED)[PAUSE]
    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "lifecycle.pause: it has no pause")


def test_unsupported_without_proof_is_an_error() -> None:
    run, records = pause_and_manifest("failed")
    found = results(run, *records, backend=UNSUPPORTED)
    assert (found[PAUSE].verdict, found[MANIFEST].verdict) == (Verdict.ERROR, Verdict.FAIL)
    assert found[PAUSE].reason == "lifecycle.pause is declared unsupported, but manifest.lifecycle.pause did not pass in this run"


def test_unsupported_without_declaration_is_an_error() -> None:
    run, records = pause_and_manifest("passed")
    assert results(run, *records)[PAUSE].verdict is Verdict.ERROR


def test_a_foreign_driver_may_claim_less() -> None:
    run, records = pause_and_manifest("passed")
    tape = Tape(case=MANIFEST, first_line=4)
    tape.write(Kind.PROBE, capability="lifecycle.pause", declared=True, claimed=False, outcome="refused", bare=None, detail="")
    found = results(run, *records[:2], *tape.done())[PAUSE]
    assert (found.verdict, found.reason) == (Verdict.UNSUPPORTED, "lifecycle.pause: the driver does not claim it")


def test_a_known_bug_that_fails_is_known() -> None:
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, "failed", "no"), backend=replace(BACKEND, known_bugs=(BUG,)))
    assert {id_: (r.verdict, r.reason) for id_, r in found.items()} == {
        PAUSE: (Verdict.KNOWN_BUG, "it is so (https://example.org/1)")
    }


def test_a_known_bug_that_passes_is_a_failure() -> None:
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, "passed"), backend=replace(BACKEND, known_bugs=(BUG,)))[PAUSE]
    assert found.verdict is Verdict.FAIL
    assert "remove the entry" in found.reason


def test_a_known_bug_does_not_hide_an_error() -> None:
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, "error", "x"), backend=replace(BACKEND, known_bugs=(BUG,)))[PAUSE]
    assert found.verdict is Verdict.ERROR


def test_a_known_bug_may_be_of_one_parameter() -> None:
    run = run_of(planned(f"{PAUSE}[a]"), planned(f"{PAUSE}[b]"))
    records = (*evidence(f"{PAUSE}[a]", "failed", "no"), *evidence(f"{PAUSE}[b]", "failed", "no", first_line=4))
    found = results(run, *records, backend=replace(BACKEND, known_bugs=(replace(BUG, case=f"{PAUSE}[a]"),)))
    assert [result.verdict for result in found.values()] == [Verdict.KNOWN_BUG, Verdict.FAIL]


def test_a_known_bug_of_no_case_fails() -> None:
    wrong = replace(BACKEND, known_bugs=(replace(BUG, case="lifecycle.no.such"),))
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, "passed"), backend=wrong)
    assert (found["known-bug.lifecycle.no.such"].verdict, found["known-bug.lifecycle.no.such"].level) == (
        Verdict.FAIL,
        Level.MUST,
    )


def test_a_known_bug_of_a_case_outside_the_profile_is_left_alone() -> None:
    elsewhere = replace(BACKEND, known_bugs=(replace(BUG, case="events.stop.order"),))
    found = results(run_of(planned(PAUSE)), *evidence(PAUSE, "passed"), backend=elsewhere, suite=(PAUSE, "events.stop.order"))
    assert list(found) == [PAUSE]


def test_a_known_bug_of_other_versions_is_not_declared() -> None:
    newer = replace(BACKEND, known_bugs=(replace(BUG, when="libvirt >= 10"),))
    assert results(run_of(planned(PAUSE)), *evidence(PAUSE, "passed"), backend=newer)[PAUSE].verdict is Verdict.PASS


def test_a_lane_without_an_applicable_case_is_not_conformant() -> None:
    run = run_of(planned(PAUSE, Capability.PAUSE))
    found = report(run, *evidence(PAUSE, "unsupported"), backend=UNSUPPORTED)
    assert not found.conformant
    assert not report(run_of()).conformant


def test_the_digest_is_of_what_was_asked() -> None:
    one, two = run_of(planned(PAUSE)), run_of(planned(PAUSE, Capability.PAUSE))
    assert digest(one) == digest(replace(one, seed=7))
    assert digest(one) != digest(two)
