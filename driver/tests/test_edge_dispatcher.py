"""The dispatcher runs what is posted, in order, and survives what a task raises."""

import logging
import threading
import time
from functools import partial

import pytest

from virtproof_driver.edge.dispatcher import Dispatcher

PATIENCE_SECONDS = 20.0


def test_tasks_run_in_order_on_one_thread() -> None:
    ran: list[tuple[int, str]] = []
    dispatcher = Dispatcher("it")
    dispatcher.start()

    def task(number: int) -> None:
        ran.append((number, threading.current_thread().name))

    for number in range(100):
        dispatcher.post(partial(task, number))
    assert dispatcher.flush(PATIENCE_SECONDS)
    assert ran == [(number, "it") for number in range(100)]
    dispatcher.stop(PATIENCE_SECONDS)


def test_a_task_that_raises_is_counted_and_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    ran: list[int] = []
    dispatcher = Dispatcher("it")
    dispatcher.start()
    dispatcher.post(lambda: 1 // 0)
    dispatcher.post(lambda: ran.append(1))
    with caplog.at_level(logging.ERROR):
        assert dispatcher.flush(PATIENCE_SECONDS)
    assert (ran, dispatcher.failures) == ([1], 1)
    assert "ZeroDivisionError" in caplog.text
    dispatcher.stop(PATIENCE_SECONDS)


def test_stopping_runs_what_was_posted_before_and_may_be_asked_for_by_a_task() -> None:
    ran: list[int] = []
    dispatcher = Dispatcher("it")
    dispatcher.post(lambda: dispatcher.stop(PATIENCE_SECONDS))
    dispatcher.post(lambda: ran.append(1))
    dispatcher.start()
    dispatcher.stop(PATIENCE_SECONDS)
    assert ran == [1]
    assert not dispatcher._thread.is_alive()


def test_what_is_posted_after_the_end_will_not_run_and_nobody_waits_for_it() -> None:
    ran: list[int] = []
    dispatcher = Dispatcher("it")
    dispatcher.start()
    assert dispatcher.post(lambda: ran.append(1))
    dispatcher.stop(PATIENCE_SECONDS)
    assert not dispatcher.post(lambda: ran.append(2))
    before = time.monotonic()
    assert not dispatcher.flush(PATIENCE_SECONDS)
    assert time.monotonic() - before < PATIENCE_SECONDS
    assert ran == [1]
