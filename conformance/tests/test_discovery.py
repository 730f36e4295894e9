"""Discovery: each case is found once, where it says it is."""

from collections import Counter
from pathlib import Path
from types import ModuleType

from virtproof import suite
from virtproof.cases import Level, case
from virtproof.discovery import Found, cases_in, found_cases, where

FOLDER = Path(suite.__path__[0])


def test_every_id_is_given_once() -> None:
    counted = Counter(found.case.id for found in found_cases())
    assert [id_ for id_, times in counted.items() if times > 1] == []


def test_a_case_lies_in_the_file_of_its_area_or_topic_at_the_line_given() -> None:
    for found in found_cases():
        name, _, line = found.where.partition(":")
        area, topic = found.case.id.replace("-", "_").split(".")[:2]
        assert name in (f"test_{area}.py", f"test_{area}_{topic}.py"), found.case.id
        code = (FOLDER / name).read_text(encoding="utf-8").splitlines()[int(line) - 1]
        assert code.lstrip().startswith(("@", "def ")), found.case.id


def test_cases_of_a_class_are_found_and_plain_functions_are_not() -> None:
    module = ModuleType("test_made")

    @case("made.up.case", Level.MAY, requirement="It is here to be found.", source="none", since="1.0", needs=())
    def test_one() -> None: ...

    members: dict[str, object] = {"test_one": staticmethod(test_one), "test_plain": where}
    vars(module).update({"TestMade": type("TestMade", (), members), "test_other": test_every_id_is_given_once})
    found = list(cases_in(module))
    assert [(each.function, each.case.id) for each in found] == [("test_one", "made.up.case")]
    assert found == [Found(case=found[0].case, where=where(test_one), function="test_one")]


def test_what_is_no_function_has_no_place() -> None:
    assert where(object()) == ""
