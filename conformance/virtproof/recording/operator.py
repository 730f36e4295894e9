"""Operations of the contract, recorded: where each began, with what, and what came of it.

What belongs here: which methods are the contract's, and writing OPERATION_BEGIN and OPERATION_END around one. What does not: what
cases call (`driver`, `migration`) and libvirt calls (`objects`). Arguments are recorded by the contract's own parameter names, so
that a judge reads `uuid` whatever way the case passed it.
"""

import inspect
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from virtproof.evidence import Kind, on_host
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
    }
)
_SPELT: Final = frozenset(name for name, value in vars(ComputeDriver).items() if inspect.isfunction(value) and name[0] != "_")
CONTRACT: Final = _SPELT | FURTHER
_SIGNATURES: Final[Mapping[str, inspect.Signature]] = {name: inspect.signature(getattr(ComputeDriver, name)) for name in _SPELT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Records the operations of one driver; `host` is what the evidence calls its host, empty for the case's own."""

    recorder: Recorder
    host: str = ""

    def operate(self, method: str, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        """An operation that is a method of the driver."""
        return self.run(method, partial(function, *args, **kwargs), named(method, args, kwargs))

    def run(self, method: str, function: Callable[[], object], given: Mapping[str, object]) -> object:
        """An operation, `given` being its arguments by name."""
        recorder, generation = self.recorder, self.recorder.generation
        operation = recorder.number()
        recorder.write(
            Kind.OPERATION_BEGIN,
            generation,
            operation=operation,
            method=method,
            arguments=summaries.named_arguments(given, method),
            thread=threading.current_thread().name,
            **on_host(self.host),
        )
        end = partial(recorder.write, Kind.OPERATION_END, generation, operation=operation, method=method)
        recorder.operations.begin(operation)
        try:
            result = function()
        except BaseException as error:
            recorder.operations.end(operation)
            end(result=None, error=f"{type(error).__name__}: {error}")
            raise
        recorder.operations.end(operation)
        end(result=summaries.summary(result), error=None)
        return result


def named(method: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Mapping[str, object]:
    """A call's arguments by the contract's names."""
    signature = _SIGNATURES.get(method)
    if signature is not None:
        try:
            bound = signature.bind(None, *args, **kwargs).arguments
        except TypeError:  # the case calls it wrongly on purpose; the driver will say so
            pass
        else:
            return {name: value for name, value in bound.items() if name != "self"}
    return {str(index): value for index, value in enumerate(args)} | dict(kwargs)
