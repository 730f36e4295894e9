"""Looking into a storage pool that is in use for a moment, over a pool that is no libvirt's."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest

from virtproof_driver.constants import ErrorCode, ErrorDomain
from virtproof_driver.errors import Busy, HypervisorError, OperationTimeout
from virtproof_driver.operations.settling import MOST_LOOKS, refreshed

IN_USE = HypervisorError(ErrorCode.INTERNAL_ERROR, ErrorDomain.STORAGE, "pool 'p' has asynchronous jobs running.")
NO_FOLDER = HypervisorError(ErrorCode.SYSTEM_ERROR, ErrorDomain.STORAGE, "cannot open directory")


class Pool:
    """A pool, and the link to its host, which counts the pauses."""

    def __init__(self, *refusals: HypervisorError) -> None:
        self.refusals = list(refusals)
        self.pauses = 0
        self.looks = 0

    def name(self) -> str:
        return "p"

    def refresh(self) -> int:
        if self.refusals:
            raise self.refusals.pop(0)
        self.looks += 1
        return 0

    def call(self, function: Callable[[], object]) -> object:
        return function()

    @contextmanager
    def expect(self, _uuid: object, _awaited: object) -> Generator["Pool"]:
        yield self

    def until(self, _seconds: float) -> None:
        self.pauses += 1
        raise OperationTimeout("nothing", 0.0)


def look(pool: Pool) -> None:
    """Have it refreshed."""
    anything: Any = pool
    refreshed(anything, anything)


def test_a_pool_that_nobody_uses_looks_at_once() -> None:
    pool = Pool()
    look(pool)
    assert (pool.looks, pool.pauses) == (1, 0)


def test_a_pool_in_use_is_asked_again_until_it_looks() -> None:
    pool = Pool(IN_USE, IN_USE)
    look(pool)
    assert (pool.looks, pool.pauses) == (1, 2)


def test_a_pool_that_stays_in_use_is_busy_by_the_hosts_words() -> None:
    pool = Pool(*[IN_USE] * MOST_LOOKS)
    with pytest.raises(Busy, match="asynchronous jobs") as refused:
        look(pool)
    assert refused.value.__cause__ is IN_USE
    assert (pool.looks, pool.pauses) == (0, MOST_LOOKS - 1)


def test_any_other_refusal_is_raised_at_once() -> None:
    pool = Pool(NO_FOLDER)
    with pytest.raises(HypervisorError, match="directory"):
        look(pool)
    assert pool.pauses == 0
