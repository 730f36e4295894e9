"""The record of a run: what is refused when it is read."""

from pathlib import Path

import pytest

from virtproof.errors import UsageError
from virtproof.runs import Run, from_json, read, to_json

EMPTY = Run(suite_version="1.0", profile="core", driver="m:f", driver_version="", seed=0, keyword="", lanes=(), cases=())


def test_a_run_without_lanes_and_cases_comes_back_as_it_was() -> None:
    assert from_json(to_json(EMPTY)) == EMPTY


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "give the directory", id="missing"),
        pytest.param("{", "not the record of a run", id="no JSON"),
        pytest.param('{"schema": "other"}', "not the record of a run", id="another schema"),
        pytest.param("[]", "not the record of a run", id="another shape"),
        pytest.param(to_json(EMPTY).replace('"seed"', '"sead"'), "not the record of a run", id="another field"),
    ],
)
def test_what_is_no_run_is_refused_by_its_path(tmp_path: Path, content: str | None, problem: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=problem) as caught:
        read(tmp_path)
    assert str(tmp_path / "run.json") in str(caught.value)
