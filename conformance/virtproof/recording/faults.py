"""Faults at the seam of the driver under test: what its libvirt calls and its event callbacks meet in a case that asks for it.

What belongs here: the effects. What does not: matching (`fault_rules`) and the seam itself (`objects`, `callbacks`, which ask
this module through the recorder). Each effect is recorded as FAULT, so that no judge takes it for libvirt's doing; one that
never took effect is the case's own mistake, and `finish` says so. The host's own events stay as they were: EVENT is written
below this.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from virtproof.evidence import Kind
from virtproof.recording.fault_rules import AnyRule, EventRule, Pattern, Window, event_rule, method_rule
from virtproof.recording.later import Later
from virtproof.recording.objects import raised
from virtproof.recording.recorder import CallSite, Delivery, Recorder

Proceed = Callable[[], object]
Action = Callable[[], object]
ERROR_LEVEL: Final = 2


@dataclass(slots=True, eq=False)
class CallFault:
    """A fault of calls: `effect` is run in the call's place, and makes it by `proceed` or does not."""

    name: str
    rule: AnyRule
    effect: Callable[[CallSite, Proceed], object]
    window: Window
    took_effect: bool = False


@dataclass(slots=True, eq=False)
class EventFault:
    """A fault of deliveries, likewise."""

    name: str
    rule: EventRule
    effect: Callable[[Delivery, Proceed], None]
    window: Window
    took_effect: bool = False


@dataclass(slots=True)
class Held:
    """A delivery that waits for another one to overtake it."""

    uuid: str = ""
    proceed: Proceed | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class Faults:
    """The faults of one case. They stand at the recorder until the case ends; call `finish` before the driver is closed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._calls: list[CallFault] = []
        self._events: list[EventFault] = []
        self._problems: list[str] = []
        self._later = Later(recorder)
        recorder.interceptor = self

    # --- faults of calls --------------------------------------------------------------------------------

    def raise_on(  # noqa: PLR0913, PLR0917 - an error has three parts
        self, method: str, code: int, domain: int = 0, message: str = "", nth: int = 1, times: int = 1
    ) -> None:
        """The nth call, and `times - 1` after it, raise libvirtError(code, domain) and do nothing."""

        def effect(site: CallSite, _proceed: Proceed) -> object:
            raise libvirt_error(site.libvirt_error, code, domain, message or f"{site.method}: a fault of the suite")

        self._on_call(f"raise_on({method}, {code})", method, effect, Window(nth, times))

    def raise_after(self, method: str, code: int, domain: int = 0, message: str = "", nth: int = 1) -> None:
        """The nth call is made, and then raises: its answer was lost."""

        def effect(site: CallSite, proceed: Proceed) -> object:
            proceed()
            raise libvirt_error(site.libvirt_error, code, domain, message or f"{site.method}: a fault of the suite")

        self._on_call(f"raise_after({method}, {code})", method, effect, Window(nth, 1))

    def swallow(self, method: str, nth: int = 1, times: int = 1) -> None:
        """The call returns 0 and does nothing: a deaf guest."""
        self._on_call(f"swallow({method})", method, lambda _site, _proceed: 0, Window(nth, times))

    def defer(self, method: str, seconds: float, nth: int = 1) -> None:
        """The call returns 0 now and is made `seconds` later: a slow guest. What it then answered is recorded as NOTE."""

        def effect(site: CallSite, proceed: Proceed) -> object:
            self._later.run(seconds, proceed, f"deferred {site.method} of {site.object}:{site.key}")
            return 0

        self._on_call(f"defer({method}, {seconds:g})", method, effect, Window(nth, 1))

    def before(self, method: str, action: Action, nth: int = 1) -> None:
        """Run `action` just before the nth call: another client's race."""

        def effect(_site: CallSite, proceed: Proceed) -> object:
            self._act(f"before({method})", action)
            return proceed()

        self._on_call(f"before({method})", method, effect, Window(nth, 1))

    def after(self, method: str, action: Action, nth: int = 1) -> None:
        """Run `action` after the nth call returned from libvirt, and before the driver sees its answer; not when it raised."""

        def effect(_site: CallSite, proceed: Proceed) -> object:
            result = proceed()
            self._act(f"after({method})", action)
            return result

        self._on_call(f"after({method})", method, effect, Window(nth, 1))

    # --- faults of events -------------------------------------------------------------------------------

    def drop_event(self, event: Pattern, nth: int = 1) -> None:
        """The nth such event does not reach the driver.

        `event` is a lifecycle event's number, or (event, detail), or `fault_rules.notice(…)` for one of another event id.
        """
        self._on_event(f"drop_event({event})", event, lambda _delivery, _proceed: None, nth)

    def duplicate_event(self, event: Pattern, nth: int = 1) -> None:
        """It reaches the driver twice."""

        def effect(_delivery: Delivery, proceed: Proceed) -> None:
            proceed()
            proceed()

        self._on_event(f"duplicate_event({event})", event, effect, nth)

    def delay_event(self, event: Pattern, seconds: float, nth: int = 1) -> None:
        """It reaches the driver `seconds` later, on another thread."""

        def effect(delivery: Delivery, proceed: Proceed) -> None:
            self._later.run(seconds, proceed, f"delayed event {delivery.event} of {delivery.uuid}")

        self._on_event(f"delay_event({event}, {seconds:g})", event, effect, nth)

    def swap_events(self, first: Pattern, second: Pattern) -> None:
        """The first such event is held until the next `second` of the same domain has reached the driver."""
        held = Held()

        def hold(delivery: Delivery, proceed: Proceed) -> None:
            with held.lock:
                held.uuid, held.proceed = delivery.uuid, proceed

        def overtake(_delivery: Delivery, proceed: Proceed) -> None:
            proceed()
            with held.lock:
                waiting, held.proceed = held.proceed, None
            if waiting is not None:
                waiting()

        self._on_event(f"swap_events({first}, …)", first, hold, 1)
        self._on_event(f"swap_events(…, {second})", second, overtake, 1)

    # --- the seam asks ----------------------------------------------------------------------------------

    def around(self, site: CallSite, proceed: Proceed) -> object:
        """Make a call, through the newest fault that takes effect on it."""
        met = [fault for fault in self._calls if fault.rule.meets(site) and fault.window.hit()]
        for fault in met:
            fault.took_effect = True
            self._recorder.write(Kind.FAULT, fault=fault.name, method=site.method, key=site.key, call=site.call)
        return _chained(met, site, proceed)

    def deliver(self, delivery: Delivery, proceed: Proceed) -> None:
        """Deliver an event, through the fault that takes effect on it."""
        met = next((fault for fault in self._events if fault.rule.meets(delivery) and fault.window.hit()), None)
        if met is None:
            proceed()
            return
        met.took_effect = True
        told = {"event": delivery.event, "detail": delivery.detail}
        self._recorder.write(Kind.FAULT, fault=met.name, method="event", key=delivery.uuid, **told)
        met.effect(delivery, proceed)

    def finish(self, timeout: float = 10) -> tuple[str, ...]:
        """End every fault: what is deferred still is cancelled, what has begun is joined. The case's mistakes, as sentences."""
        stuck = self._later.finish(timeout)
        names = [fault.name for fault in self._calls if not fault.took_effect]
        names += [fault.name for fault in self._events if not fault.took_effect]
        unused = [f"the fault {name} never took effect" for name in names]
        self._calls.clear()
        self._events.clear()
        return (*unused, *self._problems, *stuck)

    def _on_call(self, name: str, method: str, effect: Callable[[CallSite, Proceed], object], window: Window) -> None:
        self._calls.append(CallFault(name, method_rule(method), effect, window))

    def _on_event(self, name: str, event: Pattern, effect: Callable[[Delivery, Proceed], None], nth: int) -> None:
        self._events.append(EventFault(name, event_rule(event), effect, Window(nth, 1)))

    def _act(self, name: str, action: Action) -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001 - the case's own action; the driver must not see its failure as libvirt's
            self._problems.append(f"the action of {name} failed: {raised(error)}")


def libvirt_error(kind: type[Exception], code: int, domain: int, message: str) -> Exception:
    """A libvirtError as libvirt-python would have made it. Its constructor reads the thread's last error; set all after it."""
    error = kind(message)
    error.args = (message,)
    vars(error)["err"] = (code, domain, message, ERROR_LEVEL, message, None, None, -1, -1)
    return error


def _chained(faults: list[CallFault], site: CallSite, proceed: Proceed) -> object:
    if not faults:
        return proceed()
    return faults[0].effect(site, lambda: _chained(faults[1:], site, proceed))
