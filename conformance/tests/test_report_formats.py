"""The page, JUnit XML and the terminal: what each shows of one report, and that nothing is taken for markup."""

import io
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from virtproof.cases import Level
from virtproof.errors import UsageError
from virtproof.evidence import Record
from virtproof.judges import judge_case
from virtproof.judges.tape import DOMAIN, Tape
from virtproof.report import JUNIT_FILE, PAGE_FILE, REPORT_FILE, write_report
from virtproof.report.junit import to_junit
from virtproof.report.page import to_html
from virtproof.report.terminal import show
from virtproof.report.timeline import MOST, timeline
from virtproof.verdicts import CaseResult, LaneResult, Report, Verdict

NASTY = "<script>alert('x')</script> & \x01 [bold]"


def early() -> tuple[Record, ...]:
    tape = Tape(case="lifecycle.stop.forced", first_line=10)
    tape.running()
    with tape.operation("stop", timeout=5):
        tape.call("shutdown", fault="swallow")
    tape.state(1, 1)
    tape.heard("started")
    return tape.done("failed", NASTY)


def case(id_: str, verdict: Verdict, reason: str = "") -> CaseResult:
    return CaseResult(
        id=id_,
        level=Level.MUST,
        verdict=verdict,
        reason=reason,
        seconds=0.5,
        evidence=(10, 20),
        requirement="It does.",
        source="https://libvirt.org/",
        where="test_lifecycle.py:7",
        violations=judge_case(early()) if verdict is Verdict.FAIL else (),
    )


CASES = (
    case("lifecycle.stop.forced", Verdict.FAIL, NASTY),
    case("lifecycle.spawn.running", Verdict.PASS),
    case("events.spawn.once", Verdict.ERROR, "the worker died"),
    case("events.reboot.once", Verdict.UNSUPPORTED, "it has none"),
    case("host.info.whole", Verdict.KNOWN_BUG, "it is so"),
    case("host.stats.grow", Verdict.NOT_RUN, "left out by -k x"),
)
LANE = LaneResult(
    backend="test", basis="mock", transport="in-process", versions={"libvirt": "9.0.0"}, fingerprint="f1", cases=CASES
)
REPORT = Report(
    schema="virtproof-report/1",
    suite_version="1.0",
    profile="full",
    digest="sha256:" + "0" * 64,
    driver="pkg:factory",
    driver_version="",
    lanes=(LANE,),
)


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(to_html(REPORT, early()))


def test_every_case_is_a_row_the_failed_ones_first(page: Page) -> None:
    rows = [(row["data-verdict"], row["data-area"]) for row in page.of("tr") if "data-verdict" in row]
    assert rows == [
        ("fail", "lifecycle"),
        ("error", "events"),
        ("not-run", "host"),
        ("known-bug", "host"),
        ("pass", "lifecycle"),
        ("unsupported", "events"),
    ]


def test_the_page_is_self_contained(page: Page) -> None:
    loading = [(tag, name) for tag, attributes in page.tags for name in attributes if name in ("src", "srcset", "action", "data")]
    links = [attributes["href"] for attributes in page.of("a")]
    assert (loading, page.of("link"), page.of("img"), page.of("iframe")) == ([], [], [], [])
    assert all(link and link.startswith(("#", "https://libvirt.org/")) for link in links)
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_nothing_that_a_driver_said_becomes_markup(page: Page) -> None:
    assert len(page.of("script")) == 1
    assert "<script>alert('x')</script>" in page.text


def test_there_is_a_filter_for_each_thing(page: Page) -> None:
    assert [select["name"] for select in page.of("select")] == ["lane", "area", "verdict", "level"]
    assert [field["type"] for field in page.of("input")] == ["search"]
    assert "hidden" in page.of("form")[0]  # without JavaScript the table is all there is


def test_links_inside_the_page_lead_somewhere(page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    targets = {str(link["href"])[1:] for link in page.of("a") if str(link["href"]).startswith("#")}
    labelled = {str(attributes["aria-labelledby"]) for _, attributes in page.tags if "aria-labelledby" in attributes}
    assert targets | labelled <= ids


def test_the_two_numbers_stand_apart_with_their_basis(page: Page) -> None:
    assert "conformance: 1 of 4 applicable cases passed" in page.text
    assert "coverage: 4 of 6 cases were applicable" in page.text
    assert "basis: mock" in page.text


def test_a_failure_shows_rule_source_where_and_lines(page: Page) -> None:
    for told in ("operation.early", "https://libvirt.org/", "test_lifecycle.py:7", "lines 10 to 20", f"shutdown() of {DOMAIN}"):
        assert told in page.text
    blamed = [attributes for attributes in page.of("tr") if attributes.get("class") == "blamed"]
    assert len(blamed) == 2


def test_a_timeline_has_each_track_in_order_of_lines() -> None:
    made = timeline(early(), judge_case(early()))
    assert made.tracks == ("operation", "call", "event", "driver event", "state", "fault", "case")
    assert [moment.line for moment in made.moments] == sorted(moment.line for moment in made.moments)
    assert all(0 <= moment.left <= 100 and moment.left + moment.width <= 100.01 for moment in made.moments)
    assert [moment.text for moment in made.on("event")] == [f"DEFINED (0,0) of {DOMAIN}", f"STARTED (2,0) of {DOMAIN}"]
    assert [moment.track for moment in made.moments if moment.blamed] == ["operation", "state"]


def test_a_long_timeline_keeps_what_is_blamed() -> None:
    tape = Tape()
    for _ in range(MOST):
        tape.running()
        tape.event(5, 1)
        tape.event(1, 0)
    tape.events((0, 0), (2, 0), (2, 0))
    records = tape.done()
    made = timeline(records, judge_case(records))
    assert (len(made.moments), made.left_out) == (MOST, 4 * MOST + 5 - MOST)
    assert sum(moment.blamed for moment in made.moments) == 2


def test_a_timeline_of_nothing_is_empty() -> None:
    assert timeline(()).moments == ()


def test_junit_is_well_formed_and_says_all() -> None:
    root = ET.fromstring(to_junit(REPORT))
    assert root.attrib == {"name": "virtproof", "tests": "6", "failures": "1", "errors": "2", "skipped": "2", "time": "3.000000"}
    (suite,) = root
    properties = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    assert properties["basis"] == "mock"
    assert properties["conformance"] == "0.250000"
    tests = {test.get("name"): test for test in suite.findall("testcase")}
    assert list(tests) == [each.id for each in CASES]
    verdicts = {
        name: next((p.get("value") for p in test.findall("properties/property") if p.get("name") == "verdict"), None)
        for name, test in tests.items()
    }
    assert verdicts == {each.id: each.verdict.value for each in CASES}
    failure = tests["lifecycle.stop.forced"].find("failure")
    assert failure is not None
    assert failure.get("message") == f"fail: {NASTY}".replace("\x01", "\N{REPLACEMENT CHARACTER}")
    assert str(failure.text).startswith("operation.early (evidence ")


def shown(width: int = 200) -> str:
    stream = io.StringIO()
    show(REPORT, Console(file=stream, width=width))
    return stream.getvalue()


def test_the_terminal_shows_the_table_the_failures_and_the_numbers() -> None:
    text = shown()
    assert "fail lifecycle.stop.forced on test (mock, must): <script>alert('x')</script> & \x01 [bold]" in text
    assert "operation.early, evidence 13-18: stop() of" in text
    assert "test_lifecycle.py:7, evidence 10-20" in text
    assert "not-run 1 case on test (mock): left out by -k x" in text
    assert "test/in-process (basis: mock): conformance 25.0% (1 of 4 applicable), coverage 66.7% (4 of 6 cases)" in text
    assert "pkg:factory, profile full: not conformant" in text
    assert next(line for line in text.splitlines() if line.startswith("│ all")).split() == [
        *("│", "all", "│", "1", "│", "1", "│", "1", "│", "1", "│", "1", "│", "1", "│")
    ]


def test_lines_are_not_broken_on_a_narrow_terminal() -> None:
    assert "conformance 25.0% (1 of 4 applicable), coverage 66.7% (4 of 6 cases)" in shown(width=40)


def test_the_files_of_a_report(tmp_path: Path) -> None:
    write_report(REPORT, early(), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((REPORT_FILE, PAGE_FILE, JUNIT_FILE))


def test_a_directory_that_cannot_be_written_is_the_users_matter(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="give a directory that can be written"):
        write_report(REPORT, (), tmp_path / "no" / "such")
