"""The check that kills runs (`ci.killed`): when it kills, what it takes for a run's, and that it cannot pass blind."""

import itertools
from pathlib import Path
from typing import cast

import pytest

from ci.killed import engine as on_engine
from ci.killed import rounds
from ci.killed.__main__ import line
from ci.killed.engine import Box
from ci.killed.moments import LATEST, MOMENTS, Moment, drawn
from ci.killed.rounds import Result, Watch
from ci.killed.runs import Run, Sight
from ci.killed.traces import FINDERS, Trace, on_machine, owner_word, port_word
from virtproof.lanes.containers.engine import Engine

FOLDER = Path("/tmp/virtproof-abcdefgh")
NO_ENGINE: Engine = cast("Engine", object())
NOTHING = Sight(seconds=0.0, said="0/3 mutants, 0 caught, 0 s\n", containers=0, most_containers=0, cases=0)
EVERYTHING = Sight(seconds=LATEST, said="5/9 cases, 5 passed, 7 s\n1/2 mutants", containers=3, most_containers=4, cases=2)


def box(name: str, source: str, *words: str, ports: frozenset[str] = frozenset()) -> Box:
    return Box(id=name, sources=(source,), run="0a1b2c", ports=ports, words=frozenset({name, *words, *ports}))


def run_with(*boxes: Box) -> Run:
    made = Run.__new__(Run)
    made._folder = FOLDER
    made._boxes = {each.id: each for each in boxes}
    made._words = {str(FOLDER), owner_word(12), *(word for each in boxes for word in each.words)}
    return made


def trace(text: str, kind: str = "process") -> Trace:
    return Trace(kind=kind, text=text)


@pytest.mark.parametrize("moment", [*MOMENTS, *itertools.islice(drawn(1), 3)], ids=lambda each: cast("Moment", each).name)
def test_a_moment_is_neither_there_at_the_start_nor_missed_later(moment: Moment) -> None:
    assert (moment.reached(NOTHING), moment.reached(EVERYTHING)) == (False, True)


def test_a_seed_draws_the_same_moments() -> None:
    first, again, other = ([each.name for each in itertools.islice(drawn(seed), 5)] for seed in (1, 1, 2))
    assert first == again != other


def test_a_container_is_a_runs_by_a_folder_that_is_mounted_in_it() -> None:
    ours, others = box("a", f"{FOLDER}/t/virtproof-1"), box("b", f"{FOLDER}x/t/virtproof-1")
    assert on_engine.of(FOLDER, (ours, others)) == (ours,)


def test_what_mentions_the_run_is_its_and_nothing_else() -> None:
    ours = [trace(f"7: libvirtd -f {FOLDER}/t/x"), trace("8: qemu 0::/docker/a1"), trace('/tmp/x {"pid": 12, "started": "1"}')]
    others = [trace("9: qemu 0::/docker/b2"), trace('/tmp/y {"pid": 123, "started": "1"}')]
    assert set(run_with(box("a1", "")).traces([*ours, *others], ())) == set(ours)


def test_a_port_that_another_container_got_is_not_the_runs() -> None:
    port = port_word(49153)
    run = run_with(box("a1", "", ports=frozenset({port})))
    listening = [trace(port, "port")]
    assert run.traces(listening, ()) == tuple(listening)
    assert run.traces(listening, [box("b2", "", ports=frozenset({port}))]) == ()


class Idle(Run):
    def __init__(self) -> None:
        """Start nothing."""

    def note(self) -> tuple[Box, ...]:
        return ()


class Seeing(Watch):
    def left(self) -> tuple[Trace, ...]:
        return (trace("a1", "container"),)


def test_a_kind_that_is_not_seen_after_a_kill_is_a_failure() -> None:
    watch = Seeing(run=Idle(), engine=NO_ENGINE, before=frozenset())
    moment = Moment(name="", words=(), reached=lambda _: True, leaves=frozenset({"container", "mount"}))
    left, wrong = rounds._seen(watch, moment)
    assert left == (trace("a1", "container"),)
    assert wrong == ["no mount was seen after the kill, so that none would be missed later"]


def test_each_finder_finds_something_of_this_machine_where_there_is_always_something() -> None:
    found = {each.kind for each in on_machine()}
    assert {"process", "mount", "interface"} <= found <= set(FINDERS)


def test_a_round_is_a_line_that_tells_what_was_left() -> None:
    left = (trace("1"), trace("2"), trace("a1", "container"))
    result = Result(name="first cases", killed="leader", seconds=3.21, left=left, wrong=())
    assert line(result) == "ok         3.2 s  first cases: killed leader; left 1 container, 2 processes; then nothing"
