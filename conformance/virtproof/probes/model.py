"""What a probe is, and how what happened becomes its answer.

What belongs here: the values, and the rule from exceptions to answers. What does not: any probe; they lie in one module an
area. A probe asks in the least way whether a capability is there: what it does well is for the cases to find out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique

from virtproof.probes.bench import Bench


@unique
class Answer(StrEnum):
    """What asking for a capability came to."""

    WORKS = "works"
    REFUSED = "refused"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An answer with its reason; a capability that works needs none."""

    answer: Answer
    detail: str = ""


class Refused(Exception):
    """The capability is not there; raised by probes where no error of the driver says so."""


Question = Callable[[Bench], None]
"""Returns when the capability works. Raises Refused, or NotSupported as drivers do, when it is not there, else it is broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How a capability is asked for: `through` the driver, and `bare` of libvirt itself, where it can be asked.

    `methods` are those of the contract that `through` calls; a driver without one of them refuses.
    """

    through: Question
    methods: tuple[str, ...] = ()
    bare: Question | None = None


def ask_driver(probe: Probe, bench: Bench) -> Outcome:
    """What the driver under test answers, foreign ones included: an absent method is a refusal."""
    absent = [name for name in probe.methods if not callable(getattr(bench.driver, name, None))]
    if absent:
        return Outcome(answer=Answer.REFUSED, detail=f"the driver has no method {absent[0]}()")
    try:
        probe.through(bench)
    except Exception as error:  # noqa: BLE001 - any driver's errors are answers
        return Outcome(answer=Answer.REFUSED if is_refusal(error) else Answer.BROKEN, detail=f"{type(error).__name__}: {error}")
    return Outcome(answer=Answer.WORKS)


def ask_libvirt(probe: Probe, bench: Bench) -> Outcome | None:
    """What libvirt answers past the driver; None where it cannot be asked. Whatever it raises, it does not do it."""
    if probe.bare is None:
        return None
    try:
        probe.bare(bench)
    except Exception as error:  # noqa: BLE001 - a binding's error class is the binding's own
        return Outcome(answer=Answer.REFUSED, detail=f"{type(error).__name__}: {error}")
    return Outcome(answer=Answer.WORKS)


def is_refusal(error: Exception) -> bool:
    """Whether an error says "I do not do this": ours, Python's, or a foreign driver's own class NotSupported."""
    names = {each.__name__ for each in type(error).__mro__}
    return isinstance(error, Refused | NotImplementedError) or "NotSupported" in names
