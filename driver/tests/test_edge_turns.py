"""Turns: one thread at a time for an instance, all instances at once."""

import threading
from uuid import UUID

import pytest

from virtproof_driver.edge.turns import Turns

UUID_A, UUID_B = UUID(int=10), UUID(int=11)
PATIENCE_SECONDS = 20.0


def test_a_second_thread_waits_until_the_first_is_done() -> None:
    turns, order, waiting = Turns(), list[str](), threading.Event()

    def second() -> None:
        waiting.set()
        with turns.held(UUID_A):
            order.append("second")

    thread = threading.Thread(target=second)
    with turns.held(UUID_A):
        thread.start()
        assert waiting.wait(PATIENCE_SECONDS)
        order.append("first")
    thread.join(PATIENCE_SECONDS)
    assert order == ["first", "second"]


def test_another_instance_waits_for_nobody() -> None:
    turns = Turns()
    with turns.held(UUID_A), turns.held(UUID_B):
        pass


def test_a_turn_ends_also_by_an_error() -> None:
    turns = Turns()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turns.held(UUID_A):
            raise ZeroDivisionError
