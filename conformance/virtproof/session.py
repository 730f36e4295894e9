"""The part of the plug-in that wakes when there are cases: a session of pytest as the suite uses it.

What belongs here: pytest's hooks, each handing its values to a pure module or to `case_runner`, which runs one case. What does
not: rules (`selection`, `outcomes`), files (`merging`), lanes (`lane_pool`).
"""

import itertools
from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final, cast

import pytest

from virtproof import merging, own_hosts, profiles
from virtproof.attachments import Attachments
from virtproof.case_context import Tools
from virtproof.case_runner import OWN_FAULT, CaseRunner
from virtproof.cases import Case, case_of
from virtproof.discovery import where
from virtproof.errors import VirtproofError
from virtproof.identity import is_worker, worker_of, workers_of
from virtproof.lane_pool import LaneKey, LanePool, lane_keys
from virtproof.lanes.bare import bare_binding
from virtproof.lanes.model import Worker
from virtproof.options import Options, options_of
from virtproof.outcomes import OUTCOME, Outcome
from virtproof.recording.binding import RecordingBinding
from virtproof.recording.recorder import EvidenceFile, Recorder
from virtproof.runs import SUITE_VERSION, PlannedCase, PlannedLane, Run
from virtproof.selection import Candidate, case_id, in_profile, kept, ordered, planned
from virtproof.subject import Subject
from virtproof.watchdog import deadline

Hook = Generator[None, object]
LANE: Final = "lane"
SESSION: Final = pytest.StashKey["SuiteSession"]()


class SuiteSession:
    """Hooks and what a session keeps: its options, its lanes, its recorder, the driver under test."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options: Options = options_of(config)
        self.worker = worker_of(config)
        self.recorder = _recorder(self.worker, self.options.out)
        try:
            self.profile = profiles.load(self.options.profile) if self.options.profile else None
            self.keys: tuple[LaneKey, ...] = lane_keys(self.options)
            self.tools = self._tools()
        except VirtproofError as error:
            raise pytest.UsageError(str(error)) from error
        self.pool = LanePool(self.worker, self.recorder, allow_host=self.options.allow_host)
        self._keys = {key.label: key for key in self.keys}
        self.numbers = itertools.count(1)
        self._runner = CaseRunner(self.tools, self.pool, self._note_open)
        self._candidates: dict[pytest.Item, Candidate[pytest.Item]] = {}
        config.stash[SESSION] = self

    def _tools(self) -> Tools:
        recording = RecordingBinding(bare_binding(), self.recorder)
        subject = Subject(self.options.driver, recording)
        return Tools(
            recorder=self.recorder,
            recording=recording,
            subject=subject,
            attachments=Attachments(self.options.out),
            prefix=self.worker.prefix,
        )

    def _note_open(self, line: str) -> None:
        if self.options.out is not None:
            merging.note_open(self.options.out, self.worker.name, line)

    # --- collection ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make each case once a lane; the lane's label comes first in pytest's id."""
        if case_of(metafunc.function) is not None:
            metafunc.parametrize(LANE, self.keys, ids=[key.label for key in self.keys], indirect=True, scope="session")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Hook:
        """Leave the profile's cases in the seed's order; put back the manifest cases that `-k` took away."""
        plain = [item for item in items if _case(item) is None]
        found = [_candidate(item) for item in items if _case(item) is not None]
        found = ordered(in_profile(found, self.profile.cases) if self.profile else found, self.options.seed)
        items[:] = [*plain, *(candidate.item for candidate in found)]
        for candidate in found:
            candidate.item.extra_keyword_matches.add(candidate.id)
        yield
        chosen = set(items)
        selected = kept(found, lambda item: item in chosen)
        items.extend(candidate.item for candidate in selected if candidate.item not in chosen)
        self._candidates = {candidate.item: candidate for candidate in selected}
        items[:] = [*(item for item in items if item not in self._candidates), *self._dealt(items)]
        self._leave_plan(found, selected)

    def _dealt(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The cases among the items, in the order for the workers that there are."""
        cases = [self._candidates[item] for item in items if item in self._candidates]
        needs = [(each.item, each.lane, own_hosts.kept(each.case, self._keys[each.lane].backend)) for each in cases]
        return own_hosts.dealt(needs, workers_of(self.config))

    def _leave_plan(self, found: list[Candidate[pytest.Item]], selected: list[Candidate[pytest.Item]]) -> None:
        if self.options.out is not None:
            cases = planned(found, {candidate.id for candidate in selected})
            merging.leave_plan(self.options.out, self.worker.name, self._run(cases))

    def _run(self, cases: tuple[PlannedCase, ...]) -> Run:
        lanes = tuple(
            PlannedLane(backend=key.backend.name, origin=key.backend.origin, transport=key.transport, label=key.label)
            for key in self.keys
        )
        return Run(
            suite_version=SUITE_VERSION,
            profile=self.profile.name if self.profile else profiles.DEFAULT,
            driver=self.options.driver,
            driver_version=self.tools.subject.version,
            seed=self.options.seed,
            keyword=str(self.config.getoption("keyword", "")),
            lanes=lanes,
            cases=cases,
        )

    # --- running ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a case; other tests are pytest's."""
        candidate = self._candidates.get(item)
        if candidate is None:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._runner.run(candidate, self._keys[candidate.lane], nextitem):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Note on the report whether what was raised is the suite's own fault."""
        report = yield
        setattr(report, OWN_FAULT, call.excinfo is not None and isinstance(call.excinfo.value, VirtproofError))
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Hook:
        """Bound the set-up."""
        with self._bounded(item):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Hook:
        """Bound the body."""
        with self._bounded(item):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Hook:
        """Bound the teardown."""
        with self._bounded(item):
            yield

    def _bounded(self, item: pytest.Item) -> AbstractContextManager[None]:
        return deadline(self.options.case_seconds) if item in self._candidates else nullcontext()

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Unsupported is a category of its own on the terminal."""
        unsupported = getattr(report, OUTCOME, None) == Outcome.UNSUPPORTED
        return ("unsupported", "u", "UNSUPPORTED") if unsupported else None

    # --- the end ------------------------------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Close the lanes of this process and say which could not be had."""
        self.tools.recording.leave()
        self.pool.close()
        if self.options.out is not None and self.pool.unavailable:
            merging.leave_unavailable(self.options.out, self.worker.name, self.pool.unavailable)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Join what the workers left, where there is nobody above this process; by now xdist's workers have ended."""
        if self.options.out is not None and not is_worker(self.config):
            merging.merge(self.options.out)


def _recorder(worker: Worker, out: Path | None) -> Recorder:
    if out is None:
        return Recorder(worker=worker.name, prefix=worker.prefix)
    sink = EvidenceFile(merging.evidence_path(out, worker.name))
    return Recorder(worker=worker.name, sink=sink, prefix=worker.prefix)


def _function(item: pytest.Item) -> object:
    """The test function of an item; pytest's own annotation leaves its type open."""
    return cast("object", item.function) if isinstance(item, pytest.Function) else None


def _case(item: pytest.Item) -> Case | None:
    return case_of(_function(item))


def _candidate(item: pytest.Item) -> Candidate[pytest.Item]:
    made = _case(item)
    if not isinstance(item, pytest.Function) or made is None:
        raise TypeError(f"{item.nodeid} is no case")
    label = cast("LaneKey", item.callspec.params[LANE]).label
    return Candidate(id=case_id(made.id, item.callspec.id, label), case=made, lane=label, where=where(_function(item)), item=item)
