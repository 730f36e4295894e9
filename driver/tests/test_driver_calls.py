"""What a lifecycle costs through the driver: its libvirt calls, and that no state is read while an event is awaited."""

from typing import cast

import pytest

from virtproof_driver.binding import Binding
from virtproof_driver.connecting import connect
from virtproof_driver.spec import InstanceSpec
from virtproof_driver.values import EventKind

BARE = (
    *("defineXML", "create", "state"),
    *("suspend", "state"),
    *("resume", "state"),
    *("shutdown", "state"),
    *("create", "state"),
    *("destroy", "undefineFlags"),
)
"""The calls that a lifecycle needs when somebody makes them by hand: spawn, pause, unpause, stop, start, destroy."""

FROM_THE_HANDLE = {"name", "UUIDString", "ID"}
READS = {"state", "info", "isActive", "getAllDomainStats"}
ENDED_BY = {
    "create": EventKind.STARTED,
    "suspend": EventKind.PAUSED,
    "resume": EventKind.RESUMED,
    "shutdown": EventKind.STOPPED,
    "destroy": EventKind.STOPPED,
    "undefineFlags": EventKind.UNDEFINED,
}
RAW_KINDS = {1: EventKind.UNDEFINED, 2: EventKind.STARTED, 3: EventKind.PAUSED, 4: EventKind.RESUMED, 5: EventKind.STOPPED}

Log = list[tuple[str, str]]


class Counted:
    """The real binding, or an object of it, that logs each call, and each lifecycle event as libvirt delivers it."""

    def __init__(self, real: object, log: Log) -> None:
        self.__wrapped__ = real
        self._log = log

    def __getattr__(self, name: str) -> object:
        found = getattr(self.__wrapped__, name)
        if not callable(found) or isinstance(found, type):
            return found

        def call(*args: object) -> object:
            if name not in FROM_THE_HANDLE:
                self._log.append(("call", name))
            result = found(*(self._heard(argument) for argument in args))
            return Counted(result, self._log) if type(result).__name__ in {"virConnect", "virDomain"} else result

        return call

    def _heard(self, argument: object) -> object:
        if isinstance(argument, Counted) or not callable(argument):
            return getattr(argument, "__wrapped__", argument)

        def heard(*args: object) -> object:
            if len(args) == 5 and isinstance(args[2], int) and args[2] in RAW_KINDS:
                self._log.append(("event", RAW_KINDS[args[2]]))
            return argument(*args)

        return heard


@pytest.fixture(params=["in-process", "daemon"])
def lifecycle(request: pytest.FixtureRequest, binding: Binding, small: InstanceSpec) -> Log:
    """The calls and events of a lifecycle, in order."""
    uri = request.getfixturevalue("node_uri") if request.param == "in-process" else request.getfixturevalue("daemon").unix_uri
    log: Log = []
    with connect(uri, binding=cast("Binding", cast("object", Counted(binding, log)))) as driver:
        del log[:]
        driver.spawn(small)
        driver.pause(small.uuid)
        driver.unpause(small.uuid)
        driver.stop(small.uuid, timeout=10)
        driver.start(small.uuid)
        driver.destroy(small.uuid)
        return list(log)


def test_a_lifecycle_costs_little_more_than_the_bare_calls(lifecycle: Log) -> None:
    calls = [name for kind, name in lifecycle if kind == "call"]
    assert len(calls) / len(BARE) <= 1.2
    assert sorted(calls) == sorted([*BARE, "lookupByUUIDString", "XMLDesc"])


def test_no_state_is_read_between_a_change_and_its_event(lifecycle: Log) -> None:
    changes = [(index, ENDED_BY[name]) for index, (kind, name) in enumerate(lifecycle) if kind == "call" and name in ENDED_BY]
    waits = [lifecycle[index + 1 : lifecycle.index(("event", event), index)] for index, event in changes]
    assert len(waits) == 7
    assert [name for wait in waits for kind, name in wait if kind == "call" and name in READS] == []
