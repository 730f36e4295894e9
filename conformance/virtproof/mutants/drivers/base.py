"""How a wrong driver becomes what `--driver` names.

What belongs here: the factory. What does not: any mistake.
"""

from typing import Any, Protocol

from virtproof_driver import LibvirtDriver, connect
from virtproof_driver.binding import Binding


class Factory(Protocol):
    """What `--driver` names; options are those of `virtproof_driver.connect`."""

    def __call__(self, uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver: ...


def factory(kind: type[LibvirtDriver]) -> Factory:
    """A factory that puts this class in the reference driver's place, on the same link."""

    def make(uri: str, *, binding: Binding | None = None, **options: Any) -> LibvirtDriver:
        return kind(connect(uri, binding=binding, **options).link)

    make.__doc__ = kind.__doc__
    return make
