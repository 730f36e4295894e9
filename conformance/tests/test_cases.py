"""The decorator that makes a test a case: what it attaches and what it refuses."""

from typing import Any

import pytest

from virtproof.cases import Case, Level, case, case_of
from virtproof_driver import Capability

RIGHT: dict[str, Any] = {
    "requirement": "Destroying an instance that is gone succeeds.",
    "source": "libvirt error 42",
    "since": "1.0",
    "needs": {Capability.DESTROY},
}


def test_a_case_is_attached_to_its_function_and_leaves_it_callable() -> None:
    @case("lifecycle.destroy.idempotent", Level.MUST, **RIGHT)
    def destroys(value: int) -> int:
        return value + 1

    expected = Case(
        id="lifecycle.destroy.idempotent",
        level=Level.MUST,
        requirement="Destroying an instance that is gone succeeds.",
        source="libvirt error 42",
        since="1.0",
        needs=frozenset({Capability.DESTROY}),
    )
    assert case_of(destroys) == expected
    assert expected.area == "lifecycle"
    assert destroys(1) == 2


def test_a_plain_function_is_no_case() -> None:
    assert case_of(test_a_plain_function_is_no_case) is None


@pytest.mark.parametrize(
    ("id_", "change", "problem"),
    [
        pytest.param("Lifecycle.destroy", {}, "lower-case words", id="upper case"),
        pytest.param("destroy", {}, "lower-case words", id="no area"),
        pytest.param("a.b", {"requirement": "too short."}, "requirement is a sentence", id="no sentence"),
        pytest.param("a.b", {"requirement": "It says nothing at its end"}, "requirement is a sentence", id="no full stop"),
        pytest.param("a.b", {"source": " "}, "a source is needed", id="no source"),
        pytest.param("a.b", {"since": "one"}, "suite version", id="no version"),
    ],
)
def test_a_case_that_breaks_a_rule_is_refused_by_name(id_: str, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        case(id_, Level.MUST, **RIGHT | change)
    assert repr(id_) in str(caught.value)
