"""Wrong backends: libvirt with one thing wrong, below the recorder, so that the driver and the suite are told the same lie.

What belongs here: one function a lie; it changes libvirt-python's classes, in a process of its own, and gives the module back.
What does not: the case that catches it (`catalogue`), and the process (`once`). Each lie is one that a hypervisor's libvirt
driver could tell.
"""

import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from virtproof.lanes.node import PASSWORD, USER
from virtproof.recording.faults import libvirt_error
from virtproof_driver.constants import CredentialType, DomainEvent, DomainEventId, DomainState, ErrorCode, ErrorDomain

Binding = Any
Emit = Callable[..., object]


def replaced(owner: Any, name: str, make: Callable[[Any], Callable[..., object]]) -> None:
    """Put what `make` makes of a method in its place."""
    setattr(owner, name, make(getattr(owner, name)))


def _twisted(binding: Binding, twist: Callable[[Emit], Emit]) -> Binding:
    """Lifecycle events pass through what `twist` makes of a callback, by whichever of libvirt's interfaces it is registered."""
    twist_first = cache(twist)  # deregistering names the callback, and must find what was registered for it

    def make_any(register: Callable[..., int]) -> Callable[..., int]:
        def registered(self: Any, domain: Any, event_id: int, callback: Emit, opaque: object) -> int:
            used = twist(callback) if event_id == DomainEventId.LIFECYCLE else callback
            return register(self, domain, event_id, used, opaque)

        return registered

    def make_first(with_callback: Callable[..., object]) -> Callable[..., object]:
        return lambda self, callback, *opaque: with_callback(self, twist_first(callback), *opaque)

    replaced(binding.virConnect, "domainEventRegisterAny", make_any)
    replaced(binding.virConnect, "domainEventRegister", make_first)
    replaced(binding.virConnect, "domainEventDeregister", make_first)
    return binding


# --- events -----------------------------------------------------------------------------------------------------------


def drops_undefined(binding: Binding) -> Binding:
    """Emits nothing when a domain is undefined."""

    def twist(emit: Emit) -> Emit:
        return lambda c, d, event, detail, o: event == DomainEvent.UNDEFINED or emit(c, d, event, detail, o)

    return _twisted(binding, twist)


def emits_started_twice(binding: Binding) -> Binding:
    """Emits STARTED twice."""

    def twist(emit: Emit) -> Emit:
        def twice(c: Any, d: Any, event: int, detail: int, o: object) -> None:
            for _ in range(1 + (event == DomainEvent.STARTED)):
                emit(c, d, event, detail, o)

        return twice

    return _twisted(binding, twist)


def swaps_pause_and_resume(binding: Binding) -> Binding:
    """Emits RESUMED when a domain is suspended, and SUSPENDED when it is resumed."""
    other = {int(DomainEvent.SUSPENDED): int(DomainEvent.RESUMED), int(DomainEvent.RESUMED): int(DomainEvent.SUSPENDED)}

    def twist(emit: Emit) -> Emit:
        return lambda c, d, event, detail, o: emit(c, d, other.get(event, event), detail, o)

    return _twisted(binding, twist)


def emits_late(binding: Binding) -> Binding:
    """Emits SUSPENDED six seconds late."""

    def twist(emit: Emit) -> Emit:
        def late(c: Any, d: Any, event: int, detail: int, o: object) -> None:
            if event != DomainEvent.SUSPENDED:
                emit(c, d, event, detail, o)
                return
            timer = threading.Timer(6, emit, (c, d, event, detail, o))
            timer.daemon = True
            timer.start()

        return late

    return _twisted(binding, twist)


def emits_strays(binding: Binding) -> Binding:
    """Emits STARTED after each STOPPED, of a domain that stays off."""

    def twist(emit: Emit) -> Emit:
        def stray(c: Any, d: Any, event: int, detail: int, o: object) -> None:
            emit(c, d, event, detail, o)
            if event == DomainEvent.STOPPED:
                emit(c, d, int(DomainEvent.STARTED), 0, o)

        return stray

    return _twisted(binding, twist)


# --- states and errors ------------------------------------------------------------------------------------------------


def wrong_code_for_unknown(binding: Binding) -> Binding:
    """Answers an unknown UUID with an internal error."""

    def make(look_up: Callable[..., object]) -> Callable[..., object]:
        def wrong(self: Any, uuid: str) -> object:
            try:
                return look_up(self, uuid)
            except binding.libvirtError as error:
                raise libvirt_error(binding.libvirtError, ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, str(error)) from error

        return wrong

    replaced(binding.virConnect, "lookupByUUIDString", make)
    return binding


def always_running(binding: Binding) -> Binding:
    """Says of every domain that is off that it runs."""

    def make(state: Callable[..., list[int]]) -> Callable[..., list[int]]:
        def lying(self: Any, flags: int = 0) -> list[int]:
            found = state(self, flags)
            return [DomainState.RUNNING, 1] if found[0] == DomainState.SHUTOFF else found

        return lying

    replaced(binding.virDomain, "state", make)
    return binding


def lists_no_stopped_domain(binding: Binding) -> Binding:
    """Lists no domain that is off."""

    def make(read: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
        return lambda self, *args: [each for each in read(self, *args) if _domain(each).isActive()]

    for name in ("listAllDomains", "getAllDomainStats"):
        replaced(binding.virConnect, name, make)
    return binding


def _domain(listed: Any) -> Any:
    return listed[0] if isinstance(listed, tuple) else listed


# --- what is accepted and not done ------------------------------------------------------------------------------------


def _does_nothing(owner: Any, name: str) -> None:
    setattr(owner, name, lambda _self, *_args: 0)


def keeps_undefined(binding: Binding) -> Binding:
    """Accepts an undefine and keeps the definition."""
    _does_nothing(binding.virDomain, "undefineFlags")
    return binding


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
