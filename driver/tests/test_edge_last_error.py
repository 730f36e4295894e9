"""What libvirt said of a failed call is not lost when the garbage collector runs before libvirt-python asks for it.

The real collector and the real test driver: a handle that only a collection frees, and the collector set to run after the nth
allocation of the call. Each test counts the exceptions that came without a code, so that it cannot pass without the race.
"""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from virtproof_driver.binding import Binding, Connection
from virtproof_driver.connecting import connect
from virtproof_driver.edge import last_error
from virtproof_driver.errors import DriverError, HostUnreachable, HypervisorError, InstanceNotFound, PermissionDenied

if TYPE_CHECKING:
    from tests.conftest import Domains, Sessions

T = TypeVar("T")
STEPS = range(12)
"""Allocations until the collection. With libvirt-python 12.8 and Python 3.11 the first three lose the error."""


class Ambush:
    """Calls libvirt with the collector about to run, and a handle for it to free."""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self._connection: Connection = binding.open("test:///default")
        self.step = 0
        self.lost = 0

    def __call__(self, function: Callable[..., T], *args: object) -> T:
        self._litter()
        gc.set_threshold(gc.get_count()[0] + self.step, 1000, 1000)
        try:
            return function(*args)
        except self._binding.libvirtError as error:
            gc.set_threshold(0)
            self.lost += error.get_error_code() is None
            raise
        finally:
            gc.set_threshold(0)

    def _litter(self) -> None:
        cycle: list[object] = [self._connection.listAllDomains()]
        cycle.append(cycle)


class AmbushedBinding:
    """libvirt, with openings ambushed."""

    def __init__(self, binding: Binding, ambush: Ambush) -> None:
        self.__wrapped__ = binding
        self._ambush = ambush

    def open(self, name: str | None = None) -> Connection:
        return self._ambush(self.__wrapped__.open, name)

    def __getattr__(self, name: str) -> object:
        return getattr(self.__wrapped__, name)


@pytest.fixture
def ambush(binding: Binding) -> Iterator[Ambush]:
    made = Ambush(binding)
    thresholds = gc.get_threshold()
    gc.set_threshold(0)
    gc.collect()
    yield made
    gc.set_threshold(*thresholds)


def said(function: Callable[..., object], *args: object) -> tuple[type[DriverError], str]:
    with pytest.raises(DriverError) as caught:
        function(*args)
    return type(caught.value), str(caught.value)


def as_binding(stub: object) -> Binding:
    return cast("Binding", stub)


def silent(_context: object, _error: object) -> None:
    """As applications and suites register it."""


def test_a_calls_error_outlives_a_collection_anywhere_within_it(
    sessions: "Sessions", node_uri: str, domains: "Domains", ambush: Ambush
) -> None:
    session = sessions.open(node_uri)
    connection = session.connection()

    def lookup(uuid: str) -> object:
        return ambush(connection.lookupByUUIDString, uuid)

    unknown = str(domains.uuid("unknown"))
    quiet = said(session.call, connection.lookupByUUIDString, unknown)
    heard: list[object] = []
    for ambush.step in STEPS:
        heard.append(said(session.call, lookup, unknown))
    assert heard == [quiet] * len(STEPS)
    assert quiet[0] is InstanceNotFound
    assert ambush.lost


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(None, HostUnreachable, id="no host"),
        pytest.param("<node><auth><user password='no'>joe</user></auth></node>", PermissionDenied, id="no credentials"),
    ],
)
def test_an_openings_error_outlives_a_collection_anywhere_within_it(
    tmp_path: Path, binding: Binding, ambush: Ambush, content: str | None, kind: type[DriverError]
) -> None:
    path = tmp_path / "host.xml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    ambushed = as_binding(AmbushedBinding(binding, ambush))
    quiet = said(connect, f"test://{path}")
    heard: list[object] = []
    for ambush.step in STEPS:
        heard.append(said(lambda: connect(f"test://{path}", binding=ambushed)))
    assert heard == [quiet] * len(STEPS)
    assert quiet[0] is kind
    assert ambush.lost


def test_it_does_not_matter_who_registered_libvirts_error_handler_last(
    sessions: "Sessions", node_uri: str, domains: "Domains", binding: Binding, ambush: Ambush
) -> None:
    session = sessions.open(node_uri)
    binding.registerErrorHandler(silent, None)
    for ambush.step in STEPS:
        with pytest.raises(InstanceNotFound):
            session.call(lambda: ambush(session.connection().lookupByUUIDString, str(domains.uuid("unknown"))))
    assert ambush.lost


def test_an_error_of_before_is_not_taken_for_that_of_a_call_without_one(
    sessions: "Sessions", node_uri: str, domains: "Domains", binding: Binding
) -> None:
    session = sessions.open(node_uri)

    def fails_by_itself() -> object:
        session.connection().getType()  # as any call does, it resets the thread's last error
        raise binding.libvirtError("of libvirt-python's own")

    assert said(session.call, session.connection().lookupByUUIDString, str(domains.uuid("unknown")))[0] is InstanceNotFound
    gc.collect()
    with pytest.raises(HypervisorError) as caught:
        session.call(fails_by_itself)
    assert (caught.value.code, caught.value.domain) == (0, 0)


def test_the_last_of_several_errors_is_kept_and_one_passed_over_is_not(
    sessions: "Sessions", node_uri: str, domains: "Domains", binding: Binding, ambush: Ambush
) -> None:
    session = sessions.open(node_uri)
    connection = session.connection()

    def tries_two_things() -> object:
        with pytest.raises(binding.libvirtError):
            ambush(connection.networkLookupByName, "unknown")
        return ambush(connection.lookupByUUIDString, str(domains.uuid("unknown")))

    def then_succeeds() -> object:
        with pytest.raises(InstanceNotFound):
            session.call(tries_two_things)
        return session.call(connection.getType)

    heard: list[object] = []
    for ambush.step in STEPS:
        heard.append(then_succeeds())
    assert heard == ["TEST"] * len(STEPS)
    assert ambush.lost


def test_an_error_with_a_code_speaks_for_itself(binding: Binding, sessions: "Sessions", node_uri: str) -> None:
    connection = sessions.open(node_uri).connection()
    last_error.forget()
    with pytest.raises(binding.libvirtError) as first:
        connection.networkLookupByName("unknown")
    gc.collect()
    with pytest.raises(binding.libvirtError) as second:
        connection.storagePoolLookupByName("unknown")
    assert [last_error.said(caught.value) for caught in (first, second)] == [first.value, second.value]
