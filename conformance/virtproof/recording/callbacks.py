"""Callbacks of the driver under test, on their way from libvirt.

What belongs here: giving a callback wrapped objects, and recording what reaches a domain event's. What does not: which method
registers what (`connections`). The driver's opaque value reaches it untouched, whatever it is; libvirt's objects reach it
wrapped, so that calls made from a callback are recorded too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from virtproof.evidence import Kind, on_host
from virtproof.recording.host_events import Number, numbers
from virtproof.recording.recorder import Recorder

Wrap = Callable[[object, object], object]
Function = Callable[..., object]
Overhear = Callable[[int, Any, tuple[object, ...]], object]


class Callback:
    """A callback that gets wrapped objects; `passed` are the arguments beside it, of which one may be its opaque value."""

    def __init__(self, function: Function, wrap: Wrap, passed: tuple[object, ...], parent: object) -> None:
        self._function = function
        self._wrap = wrap
        self._passed = passed
        self._parent = parent

    def __call__(self, *args: Any) -> object:
        passed = self._passed
        return self._function(*[v if any(v is own for own in passed) else self._wrap(v, self._parent) for v in args])


@dataclass(frozen=True, slots=True)
class Delivered:
    """A domain event on its way to one callback."""

    uuid: str
    name: str
    id: int
    event: Number
    detail: Number


class EventCallback:
    """A domain event's callback: each delivery is recorded, and faults may stand before it.

    `overhear` is given for a callback of all domains: the recorder's ear, which hears what this one is told.
    """

    def __init__(self, plain: Callback, event_id: int, recorder: Recorder, overhear: Overhear | None, host: str = "") -> None:
        self._plain = plain
        self.event_id = event_id
        self._recorder = recorder
        self._overhear = overhear
        self._generation = recorder.generation
        self._number = recorder.number()
        self._registered = True
        self._host = on_host(host)

    @property
    def of_all(self) -> bool:
        """Whether it is told of every domain."""
        return self._overhear is not None

    def forget(self) -> None:
        """It was deregistered: what a fault still holds back must not reach it."""
        self._registered = False

    def __call__(self, *args: Any) -> None:
        domain: Any = args[1]
        if not self._recorder.concerns(domain.name()):
            self._plain(*args)
            return
        if self._overhear is not None:
            self._overhear(self.event_id, domain, args[2:-1])
        event, detail = numbers(self.event_id, args[2:-1])
        delivery = Delivered(domain.UUIDString(), domain.name(), self.event_id, event, detail)
        proceed = partial(self._hand_over, delivery, args)
        interceptor = self._recorder.interceptor
        if interceptor is not None and self._generation == self._recorder.generation:
            interceptor.deliver(delivery, proceed)
        else:
            proceed()

    def _hand_over(self, delivery: Delivered, args: tuple[object, ...]) -> None:
        if not self._registered:
            return
        self._recorder.write(
            Kind.DELIVERY,
            self._generation,
            callback=self._number,
            uuid=delivery.uuid,
            name=delivery.name,
            id=delivery.id,
            event=delivery.event,
            detail=delivery.detail,
            **self._host,
        )
        self._plain(*args)
