"""Wrong backends: libvirt with one thing wrong, below the recorder, so that the driver and the suite are told the same lie.

What belongs here: one function a lie; it changes libvirt-python's classes, in a process of its own, and gives the module back.
What does not: the case that catches it (`catalogue`), and the process (`once`). Each lie is one that a hypervisor's libvirt
driver could tell.
"""

import threading
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from virtproof.lanes.node import PASSWORD, USER
from virtproof.recording.faults import libvirt_error
from virtproof_driver.constants import CredentialType, DomainEvent, DomainState, ErrorCode, ErrorDomain

Binding = Any
Emit = Callable[[int, int], object]
Twist = Callable[[Emit, int, int], object]

# Where libvirt-python hands a lifecycle event to Python: registered by the first interface, and by domainEventRegisterAny.
_DISPATCHERS = ("_dispatchDomainEventCallbacks", "_dispatchDomainEventLifecycleCallback")
_LATE_SECONDS = 6
_LARGE_BYTES = 4096


def replaced(owner: Any, name: str, make: Callable[[Any], Callable[..., object]]) -> None:
    """Put what `make` makes of a method in its place."""
    setattr(owner, name, make(getattr(owner, name)))


def _twisted(binding: Binding, new: Callable[[], Twist]) -> Binding:
    """Each lifecycle event passes through a twist, `twist(emit, event, detail)`; `new` makes one for each interface."""

    def make(dispatch: Callable[..., object]) -> Callable[..., object]:
        twist = new()

        def dispatched(self: Any, domain: Any, event: int, detail: int, *rest: Any) -> int:
            twist(lambda event, detail: dispatch(self, domain, event, detail, *rest), event, detail)
            return 0

        return dispatched

    for name in _DISPATCHERS:
        replaced(binding.virConnect, name, make)
    return binding


# --- events -----------------------------------------------------------------------------------------------------------


def loses_an_event(binding: Binding) -> Binding:
    """Loses the first UNDEFINED."""

    def new() -> Twist:
        lost: list[int] = []

        def twist(emit: Emit, event: int, detail: int) -> None:
            if event == DomainEvent.UNDEFINED and not lost:
                lost.append(event)
            else:
                emit(event, detail)

        return twist

    return _twisted(binding, new)


def emits_started_twice(binding: Binding) -> Binding:
    """Emits STARTED twice."""

    def twist(emit: Emit, event: int, detail: int) -> None:
        for _ in range(1 + (event == DomainEvent.STARTED)):
            emit(event, detail)

    return _twisted(binding, lambda: twist)


def swaps_neighbours(binding: Binding) -> Binding:
    """Emits DEFINED after the event that follows it."""

    def new() -> Twist:
        held: list[Callable[[], object]] = []

        def twist(emit: Emit, event: int, detail: int) -> None:
            if event == DomainEvent.DEFINED:
                held.append(lambda: emit(event, detail))
                return
            emit(event, detail)
            while held:
                held.pop(0)()

        return twist

    return _twisted(binding, new)


def emits_late(binding: Binding) -> Binding:
    """Emits SUSPENDED six seconds late."""

    def twist(emit: Emit, event: int, detail: int) -> None:
        if event != DomainEvent.SUSPENDED:
            emit(event, detail)
            return
        timer = threading.Timer(_LATE_SECONDS, emit, (event, detail))
        timer.daemon = True
        timer.start()

    return _twisted(binding, lambda: twist)


def emits_strays(binding: Binding) -> Binding:
    """Emits SUSPENDED after each UNDEFINED, of a domain that is gone."""

    def twist(emit: Emit, event: int, detail: int) -> None:
        emit(event, detail)
        if event == DomainEvent.UNDEFINED:
            emit(DomainEvent.SUSPENDED, 0)

    return _twisted(binding, lambda: twist)


def tells_no_detail(binding: Binding) -> Binding:
    """Emits each event with detail 0: a forced stop looks like a guest's own."""

    def twist(emit: Emit, event: int, _detail: int) -> None:
        emit(event, 0)

    return _twisted(binding, lambda: twist)


# --- states and errors ------------------------------------------------------------------------------------------------


def wrong_code_for_unknown(binding: Binding) -> Binding:
    """Answers an unknown storage volume with an internal error."""

    def make(look_up: Callable[..., object]) -> Callable[..., object]:
        def wrong(self: Any, name: str) -> object:
            try:
                return look_up(self, name)
            except binding.libvirtError as error:
                raise libvirt_error(binding.libvirtError, ErrorCode.INTERNAL_ERROR, ErrorDomain.STORAGE, str(error)) from error

        return wrong

    replaced(binding.virStoragePool, "storageVolLookupByName", make)
    return binding


def always_running(binding: Binding) -> Binding:
    """Says of every domain that is off that it runs."""

    def make(state: Callable[..., Sequence[int]]) -> Callable[..., object]:
        def lying(self: Any, flags: int = 0) -> Sequence[int]:
            found = state(self, flags)
            return [DomainState.RUNNING, 1] if found[0] == DomainState.SHUTOFF else found

        return lying

    replaced(binding.virDomain, "state", make)
    return binding


def lists_no_stopped_domain(binding: Binding) -> Binding:
    """Lists no domain that is off."""

    def lying(domain_of: Callable[[Any], Any]) -> Callable[[Callable[..., Sequence[Any]]], Callable[..., object]]:
        def make(read: Callable[..., Sequence[Any]]) -> Callable[..., object]:
            def listed(self: Any, *args: int) -> Sequence[Any]:
                return [each for each in read(self, *args) if domain_of(each).isActive()]

            return listed

        return make

    replaced(binding.virConnect, "listAllDomains", lying(lambda domain: domain))
    replaced(binding.virConnect, "getAllDomainStats", lying(itemgetter(0)))
    return binding


# --- what is accepted and not done ------------------------------------------------------------------------------------


def _does_nothing(owner: Any, name: str) -> None:
    def nothing(_self: Any, *_args: object) -> int:
        return 0

    setattr(owner, name, nothing)


def keeps_no_metadata(binding: Binding) -> Binding:
    """Accepts metadata and keeps none."""
    _does_nothing(binding.virDomain, "setMetadata")
    return binding


def keeps_no_autostart(binding: Binding) -> Binding:
    """Accepts autostart and keeps it off."""
    _does_nothing(binding.virDomain, "setAutostart")
    return binding


def resizes_nothing(binding: Binding) -> Binding:
    """Accepts another size and keeps the old one."""
    _does_nothing(binding.virDomain, "setMemoryFlags")
    return binding


def keeps_deleted_volumes(binding: Binding) -> Binding:
    """Accepts the deletion of a storage volume and keeps it."""
    _does_nothing(binding.virStorageVol, "delete")
    return binding


def keeps_deleted_snapshots(binding: Binding) -> Binding:
    """Accepts the deletion of a snapshot and keeps it."""
    _does_nothing(binding.virDomainSnapshot, "delete")
    return binding


def clones_too_small(binding: Binding) -> Binding:
    """Makes clones of one mebibyte."""

    def make(clone: Callable[..., Any]) -> Callable[..., Any]:
        def small(self: Any, text: str, source: Any, flags: int = 0) -> Any:
            head, _, rest = text.partition("<capacity")
            return clone(self, f"{head}<capacity>1048576</capacity>{rest.partition('</capacity>')[2]}", source, flags)

        return small

    replaced(binding.virStoragePool, "createXMLFrom", make)
    return binding


def spoils_uploads(binding: Binding) -> Binding:
    """Loses the last byte of each large piece that is sent, and says that all was taken."""

    def make(send: Callable[..., Any]) -> Callable[..., Any]:
        def spoilt(self: Any, data: bytes) -> Any:
            return send(self, data if len(data) < _LARGE_BYTES else data[:-1] + b"\0")

        return spoilt

    replaced(binding.virStream, "send", make)
    return binding


# --- connections ------------------------------------------------------------------------------------------------------


def read_only_writes(binding: Binding) -> Binding:
    """Lets a read-only connection change things."""
    binding.openReadOnly = binding.open
    return binding


def lets_anybody_in(binding: Binding) -> Binding:
    """Asks for credentials and takes any."""
    ask = binding.openAuth
    known = {int(CredentialType.AUTHNAME): USER, int(CredentialType.PASSPHRASE): PASSWORD}

    def open_auth(uri: str, auth: list[Any], flags: int = 0) -> Any:
        def answer(requests: list[list[Any]], opaque: object) -> int:
            auth[1](requests, opaque)
            for request in requests:
                request[4] = known.get(request[0], request[4])
            return 0

        return ask(uri, [auth[0], answer, auth[2]], flags)

    binding.openAuth = open_auth
    return binding
