"""The garbage collector is held back in a case, and what the case made goes at its end."""

import gc
import weakref

import pytest

from virtproof.garbage import held_back


class Handle:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_nothing_is_collected_inside_and_garbage_goes_at_the_end() -> None:
    with held_back():
        assert not gc.isenabled()
        seen = weakref.ref(Handle())
        for _ in range(5 * gc.get_threshold()[0]):
            Handle()
        assert seen() is not None
    assert seen() is None
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.disable()
    monkeypatch.setattr(gc, "enable", lambda: pytest.fail("it was off before"))
    try:
        with held_back():
            pass
        assert not gc.isenabled()
    finally:
        monkeypatch.undo()
        gc.enable()
