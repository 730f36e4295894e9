"""The event loop starts once a libvirt, whatever wraps it, and survives its failures."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from virtproof_driver.binding import Binding, LibvirtError
from virtproof_driver.edge import event_loop
from virtproof_driver.edge.event_loop import ensure_running

PATIENCE_SECONDS = 20.0


class Loop:
    """A libvirt with an event loop alone."""

    def __init__(self, fails: int = 0) -> None:
        self.calls: list[str] = []
        self.runs = threading.Semaphore(0)
        self._fails = fails

    @property
    def libvirtError(self) -> type[LibvirtError]:
        return LibvirtError

    def registerErrorHandler(self, f: Callable[..., object] | None, ctx: object) -> int:
        self.calls.append("handler")
        return 0

    def virEventRegisterDefaultImpl(self) -> int:
        self.calls.append("register")
        return 0

    def virEventRunDefaultImpl(self) -> int:
        self.runs.release()
        if self._fails:
            self._fails -= 1
            raise LibvirtError
        threading.Event().wait()  # as libvirt does: until something happens, which here is never
        return 0


class Wrapper:
    """A recorder of the kind that the suite puts around a binding."""

    def __init__(self, wrapped: object) -> None:
        self.__wrapped__ = wrapped


def as_binding(stub: object) -> Binding:
    return cast("Binding", stub)


def test_it_starts_once_however_often_and_through_whatever_it_is_asked_for() -> None:
    loop = Loop()
    for binding in (loop, loop, Wrapper(loop), Wrapper(Wrapper(loop))):
        ensure_running(as_binding(binding))
    assert loop.runs.acquire(timeout=PATIENCE_SECONDS)
    assert loop.calls == ["handler", "register"]


def test_two_libvirts_have_a_loop_each() -> None:
    loops = [Loop(), Loop()]
    for loop in loops:
        ensure_running(as_binding(loop))
    assert [loop.runs.acquire(timeout=PATIENCE_SECONDS) for loop in loops] == [True, True]


def test_it_goes_on_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "_PAUSE_SECONDS", 0.0)
    loop = Loop(fails=2)
    ensure_running(as_binding(loop))
    assert [loop.runs.acquire(timeout=PATIENCE_SECONDS) for _ in range(3)] == [True] * 3


def test_the_real_one_runs(binding: Binding) -> None:
    ensure_running(binding)
    fired = threading.Event()
    timer = binding.virEventAddTimeout(0, lambda _timer, _opaque: fired.set(), None)
    assert fired.wait(PATIENCE_SECONDS)
    assert binding.virEventRemoveTimeout(timer) == 0
