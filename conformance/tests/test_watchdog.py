"""The watchdog: it ends what does not end, though the code under test catches every Exception."""

import signal
import threading

import pytest

from virtproof.watchdog import CaseTimeout, deadline


def waits_for_ever() -> None:
    try:
        threading.Event().wait(30)
    except Exception:  # noqa: BLE001 - the point of this test
        raise AssertionError("a driver's own handler caught the alarm") from None


def test_a_wait_that_never_ends_is_interrupted() -> None:
    with pytest.raises(CaseTimeout, match=r"did not end within 0\.05 s"), deadline(0.05):
        waits_for_ever()


def test_an_alarm_of_another_goes_on_afterwards() -> None:
    before = signal.getsignal(signal.SIGALRM)
    kept = signal.setitimer(signal.ITIMER_REAL, 50)
    try:
        with deadline(5):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 5
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 5
        assert signal.getsignal(signal.SIGALRM) is before
    finally:
        signal.setitimer(signal.ITIMER_REAL, *kept)


def test_off_the_main_thread_nothing_is_armed() -> None:
    armed: list[float] = []

    def body() -> None:
        with deadline(5):
            armed.append(signal.getitimer(signal.ITIMER_REAL)[0])

    thread = threading.Thread(target=body)
    before = signal.getitimer(signal.ITIMER_REAL)[0]
    thread.start()
    thread.join()
    assert armed[0] <= before
