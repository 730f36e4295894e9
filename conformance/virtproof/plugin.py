"""The pytest plug-in: where the suite meets pytest.

What belongs here: the options, and waking the rest of the plug-in (`session`, `fixtures`) when an option of ours was given or a
case is collected. What does not: anything else; pytest loads this module in every process of an environment that has the suite
installed, where it must cost and change nothing.
"""

import types
from typing import Final, Protocol

import pytest

from virtproof import options

ACTIVE: Final = "virtproof-session"
_CASE: Final = "__virtproof_case__"  # cases.ATTRIBUTE, not imported here; test_plugin compares them


class WorkerNode(Protocol):
    """A worker as xdist's controller sees it."""

    @property
    def config(self) -> pytest.Config: ...
    @property
    def workerinput(self) -> dict[str, object]: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Wake when asked to by an option, so that what is wrong with one is said before anything is collected."""
    if any(argument.startswith("--virtproof-") for argument in config.invocation_params.args):
        wake(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerNode) -> None:
    """Hand an xdist worker the run's identity, so that the names of all its objects tell whose they are, and its containers."""
    from virtproof.errors import VirtproofError  # noqa: PLC0415 - every pytest process loads this module
    from virtproof.identity import hand_out  # noqa: PLC0415 - as above
    from virtproof.lane_pool import lane_keys  # noqa: PLC0415 - as above

    try:
        hand_out(
            node.config, node.workerinput, [(key.backend, key.transport) for key in lane_keys(options.options_of(node.config))]
        )
    except VirtproofError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Module | pytest.Class, obj: object) -> None:
    """Wake at the first case, before pytest looks for its fixtures; give each case the fixture that opens its world."""
    if isinstance(obj, types.FunctionType) and _CASE in vars(obj):
        wake(collector.config)
        _use(obj, "virtproof_case")


def wake(config: pytest.Config) -> None:
    """Register what runs cases, once. Raises pytest.UsageError for options that cannot be."""
    if config.pluginmanager.has_plugin(ACTIVE):
        return
    from virtproof import fixtures  # noqa: PLC0415 - as above
    from virtproof.session import SuiteSession  # noqa: PLC0415 - as above

    config.pluginmanager.register(SuiteSession(config), ACTIVE)
    config.pluginmanager.register(fixtures, "virtproof-fixtures")


def _use(function: types.FunctionType, fixture: str) -> None:
    marks: list[pytest.Mark] = getattr(function, "pytestmark", [])
    if not any(mark.name == "usefixtures" and fixture in mark.args for mark in marks):
        pytest.mark.usefixtures(fixture)(function)
