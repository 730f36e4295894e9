"""What `nox -s migrations` prints."""

from ci.migrations.faults import FAULTS
from ci.migrations.outcomes import Outcome, closing, lines


def outcome(kind: str = "managed to source", seconds: float = 1.0, said: str = "source", wrong: str = "") -> Outcome:
    return Outcome(kind=kind, seconds=seconds, said=said, wrong=wrong)


def test_a_line_a_kind_tells_times_and_what_was_said() -> None:
    found = (outcome(seconds=1.0), outcome(seconds=3.0), outcome("aborted", seconds=0.5), outcome(seconds=2.0, said="nothing"))
    assert list(lines(found)) == [
        "ok      1 of 1  aborted; 0.5 s, at most 0.5 s; said: source 1",
        "ok      3 of 3  managed to source; 2.0 s, at most 3.0 s; said: nothing 1, source 2",
    ]


def test_what_is_wrong_stands_below_its_kind() -> None:
    assert list(lines((outcome(wrong="it runs twice"), outcome()))) == [
        "FAILED  1 of 2  managed to source; 1.0 s, at most 1.0 s; said: source 2",
        "        it runs twice",
    ]


def test_the_closing_line_counts_and_names_what_was_left() -> None:
    assert closing((outcome(), outcome(wrong="x")), (), 12.4) == (
        "1 of 2 migrations ended with exactly one running instance; nothing was left; 12 s"
    )
    assert closing((outcome(),), ("vp-one",), 1) == (
        "1 of 1 migrations ended with exactly one running instance; left: vp-one; 1 s"
    )


def test_faults_are_of_both_hosts_the_network_and_the_caller() -> None:
    assert {word for kind in FAULTS for word in kind.split()} >= {
        "source",
        "destination",
        "daemon",
        "guest",
        "network",
        "aborted",
    }
