"""The plug-in in sessions of pytest: asleep where there are no cases, and what it makes of each way that a case can end."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from virtproof import cases, plugin
from virtproof.evidence import Kind, Record
from virtproof.evidence import read as read_records
from virtproof.runs import Run, read

pytest_plugins = ["pytester"]

HEAD = """
import threading
import pytest
from virtproof.cases import Level, case
from virtproof_driver import Capability as C

def a(name, *needs):
    return case("made." + name, Level.MUST, requirement="It is made for this test.", source="none", since="1.0", needs=needs)
"""

ENDINGS = (
    HEAD
    + """
@a("passes", C.SPAWN, C.DESTROY)
def test_passes(driver, small, world):
    assert world.state(driver.spawn(small()).uuid)[0] == 1

@a("fails")
def test_fails(driver):
    assert driver is None

@a("skips")
def test_skips(driver):
    pytest.skip("not today")

@pytest.mark.xfail
@a("xfails")
def test_xfails(driver):
    assert False

@pytest.fixture
def broken():
    raise RuntimeError("no set-up")

@a("setup")
def test_setup(broken, driver):
    pass

@pytest.fixture
def breaking():
    yield
    raise RuntimeError("no teardown")

@a("teardown")
def test_teardown(breaking, driver):
    pass

@a("unsupported", C.MIGRATION_LIVE)
def test_unsupported(driver):
    raise AssertionError("it must not run")

@a("leaks")
def test_leaks(driver, world, names):
    from virtproof.recording.markers import definition
    xml = definition(world.connection.getCapabilities(), names(), "00000000-0000-4000-8000-000000000001")
    world.connection.defineXML(xml)

@a("idle-fault")
def test_idle_fault(driver, faults):
    faults.swallow("reboot")

@a("hangs")
def test_hangs(driver):
    threading.Event().wait()

def test_plain():
    pytest.skip("plain tests are pytest's own")
"""
)

EXPECTED = {
    "made.passes": ("passed", ""),
    "made.fails": ("failed", "assert <"),
    "made.skips": ("error", "there is no skip: "),
    "made.xfails": ("error", "there is no skip: "),
    "made.setup": ("error", "RuntimeError: no set-up"),
    "made.teardown": ("error", "RuntimeError: no teardown"),
    "made.unsupported": ("unsupported", "migration.live: "),
    "made.leaks": ("passed", ""),
    "made.idle-fault": ("error", "never took effect"),
    "made.hangs": ("failed", "did not end within 1 s"),
}


def evidence(out: Path) -> list[Record]:
    return list(read_records((out / "evidence.jsonl").read_text(encoding="utf-8").splitlines()))


def ends(out: Path) -> Mapping[str, tuple[object, str]]:
    found = [record for record in evidence(out) if record.kind is Kind.CASE_END]
    return {record.case: (record.data["outcome"], str(record.data["message"])) for record in found}


def planned(run: Run) -> Mapping[str, bool]:
    return {case.id: case.selected for case in run.cases}


def test_the_marker_is_spelt_as_the_decorator_spells_it() -> None:
    assert plugin._CASE == cases.ATTRIBUTE


def test_a_session_without_cases_neither_wakes_the_plug_in_nor_sees_its_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_asleep(pytestconfig):
            loaded = {name for name in sys.modules if name.startswith(("virtproof", "libvirt"))}
            assert loaded == {"virtproof", "virtproof.plugin", "virtproof.options"}
            assert not pytestconfig.pluginmanager.has_plugin("virtproof-session")

        def test_no_fixture(driver):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'driver' not found*"])


def test_each_way_that_a_case_ends_has_its_outcome(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ENDINGS)
    result = pytester.runpytest_subprocess("--virtproof-out=out", "--virtproof-case-timeout=1", "-p", "no:randomly")
    found = ends(pytester.path / "out")
    assert {id_: outcome for id_, (outcome, _) in found.items()} == {id_: outcome for id_, (outcome, _) in EXPECTED.items()}
    assert [id_ for id_, (_, part) in EXPECTED.items() if part not in found[id_][1]] == []
    result.assert_outcomes(passed=1 + 2, failed=5, errors=3, skipped=1)  # two bodies passed before their teardown broke
    result.stdout.fnmatch_lines(["leak.domain: *", "*1 unsupported*"])


def test_an_unsupported_case_between_two_modules_does_not_harm_the_next(pytester: pytest.Pytester) -> None:
    shared = "\n@pytest.fixture(scope='module', autouse=True)\ndef shared():\n    yield\n"
    runs = "\n@a('{0}', C.HOST_INFO)\ndef test_{0}(driver):\n    assert driver.host()\n"
    unsupported = "\n@a('{0}', C.MIGRATION_LIVE)\ndef test_{0}(driver):\n    assert driver is None\n"
    pytester.makepyfile(
        test_one=HEAD + shared + runs.format("first") + unsupported.format("second"),
        test_two=HEAD + shared + unsupported.format("third") + runs.format("fourth"),
    )
    result = pytester.runpytest_subprocess("--virtproof-out=out", "-p", "no:randomly")
    result.assert_outcomes(passed=2)
    found = {id_: outcome for id_, (outcome, _) in ends(pytester.path / "out").items()}
    assert found == {"made.first": "passed", "made.second": "unsupported", "made.third": "unsupported", "made.fourth": "passed"}


def test_text_that_no_encoding_has_is_recorded_by_its_number(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        HEAD
        + """
from dataclasses import replace
from virtproof_driver.errors import InvalidSpec

@a("surrogate", C.SPAWN, C.DESTROY)
def test_surrogate(driver, small):
    with pytest.raises(InvalidSpec):
        driver.spawn(replace(small(), name="a" + chr(0xD800)))
"""
    )
    pytester.runpytest_subprocess("--virtproof-out=out").assert_outcomes(passed=1)
    (begun,) = [
        record
        for record in evidence(pytester.path / "out")
        if record.data.get("method") == "spawn" and "arguments" in record.data
    ]
    assert r"\ud800" in str(begun.data["arguments"])


def test_the_expression_leaves_the_manifest_cases_that_the_chosen_rest_on(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        HEAD
        + """
def manifest(name):
    return case("manifest." + name, Level.MUST, requirement="It is made for this test.", source="none", since="1.0", needs=())

@a("pauses", C.PAUSE)
def test_one(): pass

@a("starts", C.START)
def test_two(): pass

@manifest("lifecycle.pause")
def test_three(): pass

@manifest("lifecycle.start")
def test_four(): pass
"""
    )
    result = pytester.runpytest_subprocess("--virtproof-out=out", "-k", "made.pauses")
    result.assert_outcomes(passed=2, deselected=3)
    run = read(pytester.path / "out")
    assert run.keyword == "made.pauses"
    assert planned(run) == {
        "made.pauses": True,
        "made.starts": False,
        "manifest.lifecycle.pause": True,
        "manifest.lifecycle.start": False,
    }


def test_workers_have_their_own_names_and_keep_a_case_together(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        HEAD
        + """
@pytest.mark.parametrize("number", range(12))
@a("spawns", C.SPAWN, C.DESTROY)
def test_spawns(driver, small, number):
    driver.spawn(small())
"""
    )
    pytester.runpytest_subprocess("--virtproof-out=out", "-n2").assert_outcomes(passed=12)
    spans: dict[str, list[int]] = defaultdict(list)
    prefixes: dict[str, set[str]] = defaultdict(set)
    for record in evidence(pytester.path / "out"):
        if record.case:
            spans[record.case].append(record.line)
        if record.kind is Kind.EVENT:
            prefixes[record.worker].add("-".join(str(record.data["name"]).split("-")[:3]))
    assert sorted(spans) == sorted(f"made.spawns[{number}]" for number in range(12))
    assert [case for case, span in spans.items() if span != list(range(span[0], span[-1] + 1))] == []
    runs = {prefix.split("-")[1] for found in prefixes.values() for prefix in found}
    assert len(runs) == 1
    assert prefixes == {worker: {f"vp-{run}-{worker}"} for run in runs for worker in ("gw0", "gw1")}


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        pytest.param("--virtproof-backend=nosuch", "no backend 'nosuch'", id="backend"),
        pytest.param("--virtproof-profile=nosuch", "no profile 'nosuch'", id="profile"),
        pytest.param("--virtproof-transport=pigeon", "transport 'pigeon'", id="transport"),
        pytest.param("--virtproof-driver=nosuch:connect", "there is no module 'nosuch'", id="driver"),
    ],
)
def test_an_option_that_cannot_be_ends_the_session_at_once(pytester: pytest.Pytester, option: str, problem: str) -> None:
    pytester.makepyfile(ENDINGS)
    result = pytester.runpytest_subprocess(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: *{problem}*"])
