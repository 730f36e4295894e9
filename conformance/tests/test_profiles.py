"""Profiles: what ships agrees with the suite, and what a user gives is read or refused."""

from pathlib import Path

import pytest

from virtproof import profiles
from virtproof.discovery import found_cases
from virtproof.errors import UsageError


def test_full_holds_every_case_and_nothing_else() -> None:
    text = Path(profiles.__file__).with_suffix("").joinpath("full.txt").read_text(encoding="utf-8")
    assert text == profiles.render(found.case.id for found in found_cases()), "run python -m virtproof.profiles"


def test_core_lies_within_full() -> None:
    assert profiles.load("core").cases - profiles.load("full").cases == frozenset()


def test_the_profiles_that_ship_are_named() -> None:
    assert profiles.names() == ("core", "full")


def test_a_profile_is_read_from_a_file_with_comments_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# mine\n\n lifecycle.destroy.idempotent \nevents.stop\n", encoding="utf-8")
    expected = frozenset({"lifecycle.destroy.idempotent", "events.stop"})
    assert profiles.load(str(path)) == profiles.Profile(name="mine", cases=expected)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        pytest.param("nosuch", None, "no profile 'nosuch'; there are core, full", id="unknown name"),
        pytest.param("nosuch.txt", None, "nosuch.txt: ", id="missing file"),
        pytest.param("empty.txt", "# nothing\n", "it names no case", id="empty file"),
    ],
)
def test_a_profile_that_cannot_be_is_refused(tmp_path: Path, name: str, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=problem):
        profiles.load(str(tmp_path / name) if name.endswith(".txt") else name)


def test_ids_that_are_no_case_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("no.such.case\nlifecycle.pause.idempotent\nlifecycle.pause[1]\n")
    with pytest.raises(UsageError, match=r"profile mine: no such case: lifecycle\.pause\[1\], no\.such\.case; "):
        profiles.check(profiles.load(str(path)))


def test_a_profile_of_cases_is_in_order(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("lifecycle.pause.idempotent\n")
    mine = profiles.load(str(path))
    profiles.check(mine)
    assert mine.cases == {"lifecycle.pause.idempotent"}
