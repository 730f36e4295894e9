"""The catalogue of mutants: each row has its code and its catcher, and no code is without a row."""

import inspect
from collections import Counter
from types import ModuleType

import pytest

from virtproof.backends import load
from virtproof.discovery import found_cases
from virtproof.judges.rules import RULES
from virtproof.mutants import backends, drivers
from virtproof.mutants.catalogue import MUTANTS
from virtproof.mutants.model import Mutant, Wrong
from virtproof.recording.loading import load_driver

MODULES = {Wrong.DRIVER: drivers, Wrong.BACKEND: backends}
HELPERS = {"replaced"}
ROWS = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def lies(module: ModuleType) -> set[str]:
    """The names of the wrong backends: functions of their module's own that are not helpers."""
    functions = inspect.getmembers(module, inspect.isfunction)
    own = {name for name, function in functions if function.__module__ == module.__name__ and not name.startswith("_")}
    return own - HELPERS


@ROWS
def test_a_row_names_a_factory_that_says_in_one_line_what_is_wrong(mutant: Mutant) -> None:
    doc = inspect.getdoc(load_driver(mutant.factory))
    assert doc is not None
    assert doc.endswith(".")
    assert doc.count("\n") == 0


@ROWS
def test_a_row_names_a_case_of_the_suite(mutant: Mutant) -> None:
    assert mutant.catcher in {found.case.id for found in found_cases()}


@ROWS
def test_a_row_names_a_case_that_its_backend_supports(mutant: Mutant) -> None:
    (case,) = [found.case for found in found_cases() if found.case.id == mutant.catcher]
    assert case.needs & set(load(mutant.backend).refusals({})) == set()


@ROWS
def test_a_row_names_a_rule_or_none(mutant: Mutant) -> None:
    assert mutant.rule in {"", *RULES}


def test_names_are_unique() -> None:
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []


def test_every_wrong_driver_and_backend_has_a_row() -> None:
    rows = {wrong: {mutant.factory.partition(":")[2] for mutant in MUTANTS if mutant.wrong is wrong} for wrong in Wrong}
    assert rows == {Wrong.DRIVER: set(drivers.__all__), Wrong.BACKEND: lies(backends)}


def test_there_are_wrong_drivers_and_wrong_backends_on_several_hosts() -> None:
    assert len(MUTANTS) >= 25
    assert {mutant.backend for mutant in MUTANTS} >= {"test", "test-rpc", "qemu"}
    assert {mutant.wrong for mutant in MUTANTS} == set(Wrong)
