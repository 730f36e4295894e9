"""Which cases the suite has, found without running pytest.

What belongs here: importing the suite's modules and reading the cases off their functions. What does not: which of them a run
selects (`selection`). Parameters are pytest's matter, so a case is found once however many parameters it has.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from virtproof import suite
from virtproof.cases import Case, case_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A case and where its code lies, as file:line relative to the suite's package."""

    case: Case
    where: str
    function: str


def found_cases() -> tuple[Found, ...]:
    """Every case of the suite, sorted by id."""
    return tuple(sorted((found for module in _modules() for found in cases_in(module)), key=lambda found: found.case.id))


def cases_in(module: ModuleType) -> Iterator[Found]:
    """The cases of one module, those of a test class included."""
    for name, function in _tests(module):
        made = case_of(function)
        if made is not None:
            yield Found(case=made, where=where(function), function=name)


def where(function: object) -> str:
    """The file's name and the line of a function, `test_lifecycle.py:12`; empty for what is no function."""
    code = inspect.unwrap(function).__code__ if inspect.isfunction(function) else None
    return f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}" if code else ""


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(suite.__path__):
        if found.name.startswith("test_"):
            yield importlib.import_module(f"{suite.__name__}.{found.name}")


def _tests(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, member in vars(module).items():
        if inspect.isclass(member) and name.startswith("Test"):
            yield from inspect.getmembers(member, inspect.isfunction)
        else:
            yield name, member
