"""The driver under test as cases see it: its contract's methods are recorded as operations, all else passes through.

What belongs here: the wrapper. What does not: libvirt calls (`objects`) and the driver's events (`collector`). Arguments are
recorded by the contract's own parameter names, so that a judge reads `uuid` whatever way the case passed it.
"""

import inspect
import threading
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, Final, Self, cast

from virtproof.evidence import Kind
from virtproof.recording import summaries
from virtproof.recording.recorder import Recorder
from virtproof_driver.contract import ComputeDriver

# Methods of the design's contract that the Protocol does not spell yet.
FURTHER: Final = frozenset(
    {
        "console_output",
        "console",
        "set_security_groups",
        "update_security_group",
        "delete_security_group",
        "migrate",
    }
)
_SPELT: Final = frozenset(name for name, value in vars(ComputeDriver).items() if inspect.isfunction(value) and name[0] != "_")
CONTRACT: Final = _SPELT | FURTHER
_SIGNATURES: Final[Mapping[str, inspect.Signature]] = {name: inspect.signature(getattr(ComputeDriver, name)) for name in _SPELT}


class RecordedDriver:
    """A driver whose operations are recorded. `isinstance` sees the driver's own class."""

    __slots__ = ("__weakref__", "_virtproof_driver", "_virtproof_recorder")

    def __init__(self, driver: ComputeDriver, recorder: Recorder) -> None:
        self._virtproof_driver = driver
        self._virtproof_recorder = recorder

    @property  # type: ignore[misc]  # a wrapper passes for what it wraps; nobody assigns it
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._virtproof_driver.__class__

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._virtproof_driver, name)
        if name not in CONTRACT or not callable(value):
            return value
        return wraps(value)(partial(_operate, self._virtproof_recorder, name, value))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def recorded(driver: ComputeDriver, recorder: Recorder) -> ComputeDriver:
    """The driver, recorded."""
    return cast("ComputeDriver", cast("object", RecordedDriver(driver, recorder)))


def _operate(recorder: Recorder, method: str, function: Callable[..., object], *args: object, **kwargs: object) -> object:
    operation, generation = recorder.number(), recorder.generation
    recorder.write(
        Kind.OPERATION_BEGIN,
        generation,
        operation=operation,
        method=method,
        arguments=summaries.named_arguments(_named(method, args, kwargs), method),
        thread=threading.current_thread().name,
    )
    end = partial(recorder.write, Kind.OPERATION_END, generation, operation=operation, method=method)
    recorder.operations.begin(operation)
    try:
        result = function(*args, **kwargs)
    except BaseException as error:
        recorder.operations.end(operation)
        end(result=None, error=f"{type(error).__name__}: {error}")
        raise
    recorder.operations.end(operation)
    end(result=summaries.summary(result), error=None)
    return result


def _named(method: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Mapping[str, object]:
    signature = _SIGNATURES.get(method)
    if signature is not None:
        try:
            bound = signature.bind(None, *args, **kwargs).arguments
        except TypeError:  # the case calls it wrongly on purpose; the driver will say so
            pass
        else:
            return {name: value for name, value in bound.items() if name != "self"}
    return {str(index): value for index, value in enumerate(args)} | dict(kwargs)
