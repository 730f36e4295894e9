"""Doing a plan: step by step, and undone in reverse when one fails.

What belongs here: the order, and what is told about what could not be undone. What does not: what an action is (`actions`), and
how each is done: the module of its area registers that with `perform`, beside the operations it serves.
"""

from collections.abc import Sequence
from functools import singledispatch

from virtproof_driver.actions import Action
from virtproof_driver.errors import ConnectionLost, DriverError, NotFound, OperationTimeout
from virtproof_driver.link import Link
from virtproof_driver.plans import Plan, Step

_UNSURE = (ConnectionLost, OperationTimeout)


@singledispatch
def perform(action: Action, link: Link) -> None:
    """Do one action on the host."""
    raise NotImplementedError(f"no operation performs {type(action).__name__}")


def execute(link: Link, plan: Plan) -> None:
    """Do the steps in order. When one fails, those done are undone in reverse, and its error says what could not be."""
    done: list[Step] = []
    for step in plan:
        try:
            perform(step.do, link)
        except DriverError as error:
            error.with_leftovers([*error.undone_failures, *_after_failure(link, done, step, error)])
            raise
        except BaseException:  # an interrupt leaves nothing behind either
            undo(link, [*done, step] if step.undo_if_unsure else done)
            raise
        done.append(step)


def _after_failure(link: Link, done: Sequence[Step], failed: Step, error: DriverError) -> Sequence[str]:
    if not isinstance(error, _UNSURE):
        return undo(link, done)
    if failed.undo_if_unsure:
        return undo(link, [*done, failed])
    return [*undo(link, done), *([f"{failed.do}: it may have been done, and was left"] if failed.undo else [])]


def undo(link: Link, done: Sequence[Step]) -> Sequence[str]:
    """Undo steps in reverse; says what could not be."""
    leftovers: list[str] = []
    for step in reversed(done):
        try:
            if step.undo is not None:
                perform(step.undo, link)
        except NotFound:
            continue
        except DriverError as error:
            leftovers.append(f"{step.undo}: {error}")
    return leftovers
