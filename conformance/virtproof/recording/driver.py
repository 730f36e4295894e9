"""The driver under test as cases see it: its contract's methods are recorded as operations, all else passes through.

What belongs here: the wrapper. What does not: what is recorded of an operation (`operator`), libvirt calls (`objects`) and the
driver's events (`collector`).
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, Self, cast

from virtproof.recording.migration import MIGRATE, RecordedMigration
from virtproof.recording.operator import CONTRACT, Operator, named
from virtproof.recording.recorder import Recorder
from virtproof_driver.contract import ComputeDriver


class RecordedDriver:
    """A driver whose operations are recorded. `isinstance` sees the driver's own class."""

    __slots__ = ("__weakref__", "_virtproof_driver", "_virtproof_operator")

    def __init__(self, driver: ComputeDriver, operator: Operator) -> None:
        self._virtproof_driver = driver
        self._virtproof_operator = operator

    @property  # type: ignore[misc]  # a wrapper passes for what it wraps; nobody assigns it
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._virtproof_driver.__class__

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._virtproof_driver, name)
        if name not in CONTRACT or not callable(value):
            return value
        operate = partial(self._virtproof_operator.operate, name, value)
        return wraps(value)(partial(_followed, self._virtproof_operator, operate) if name == MIGRATE else operate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def recorded(driver: ComputeDriver, recorder: Recorder, host: str = "") -> ComputeDriver:
    """The driver, recorded; `host` is what the evidence calls its host, empty for the case's own."""
    operator = Operator(recorder=recorder, host=host)
    return cast("ComputeDriver", cast("object", RecordedDriver(driver, operator)))


def _followed(operator: Operator, operate: Callable[..., object], *args: object, **kwargs: object) -> object:
    """What migrate() returns, recorded as the driver itself is."""
    uuid = str(next((value for name, value in named(MIGRATE, args, kwargs).items() if name == "uuid"), ""))
    return RecordedMigration(operate(*args, **kwargs), operator, uuid)
