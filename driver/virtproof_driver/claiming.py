"""What stands before each method of the facade: whether the driver is open, and the ability claimed on this connection.

What belongs here: the gate, the decorator that names a method's capability, and the methods that no hypervisor claims yet.
What does not: the methods (`driver`) and the reasons (`hypervisors`).
"""

from collections.abc import Callable, Mapping
from functools import partial, wraps
from types import MappingProxyType
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

from virtproof_driver.capabilities import Capability
from virtproof_driver.errors import DriverClosed, NotSupported
from virtproof_driver.link import HostLink

P = ParamSpec("P")
T = TypeVar("T")

UNCLAIMED: Mapping[str, Capability] = MappingProxyType(
    {
        "set_security_groups": Capability.FIREWALL,
        "update_security_group": Capability.FIREWALL,
        "delete_security_group": Capability.FIREWALL,
    }
)
"""Methods of the contract's vocabulary that this driver does not have yet; calling one raises NotSupported."""

_NOT_YET = "this driver does not do it yet"


class Gated:
    """A facade over a link; `admit` is the gate."""

    def __init__(self, link: HostLink) -> None:
        self._link = link

    @property
    def link(self) -> HostLink:
        """The host, as operations reach it."""
        return self._link

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What is claimed on this connection; it stays the same until the driver is closed, and after."""
        # not `frozenset - keys()`: a keys view takes part in it by its own operator, and gives a plain set
        return frozenset(Capability).difference(self._link.refusals)

    def admit(self, capability: Capability) -> None:
        """Raise DriverClosed after close(), NotSupported with the hypervisor's reason where the capability is not claimed."""
        if self._link.closed:
            raise DriverClosed(f"the driver of {self._link.uri} is closed; make a new one")
        if capability in self._link.refusals:
            raise NotSupported(capability, self._link.refusals[capability])


G = TypeVar("G", bound=Gated)


def claims(capability: Capability) -> Callable[[Callable[Concatenate[G, P], T]], Callable[Concatenate[G, P], T]]:
    """Gate a method by a capability."""

    def decorate(method: Callable[Concatenate[G, P], T]) -> Callable[Concatenate[G, P], T]:
        @wraps(method)
        def gated(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.admit(capability)
            return method(self, *args, **kwargs)

        return gated

    return decorate


def reads(capability: Capability) -> Callable[[Callable[Concatenate[G, P], T]], Callable[Concatenate[G, P], T]]:
    """Gate a method that changes nothing: it is run once more when the connection was lost under it and could be reopened."""

    def decorate(method: Callable[Concatenate[G, P], T]) -> Callable[Concatenate[G, P], T]:
        @wraps(method)
        def gated(self: G, /, *args: P.args, **kwargs: P.kwargs) -> T:
            self.admit(capability)
            return self.link.read(partial(method, self, *args, **kwargs))

        return gated

    return decorate


def with_refusals(facade: type[G]) -> type[G]:
    """Give a facade the methods of `UNCLAIMED`, each of which refuses."""
    for name, capability in UNCLAIMED.items():
        setattr(facade, name, _refusal(name, capability))
    return facade


def _refusal(name: str, capability: Capability) -> Callable[..., NoReturn]:
    def refuse(self: Gated, *_args: object, **_kwargs: object) -> NoReturn:
        self.admit(capability)
        raise NotSupported(capability, _NOT_YET)

    refuse.__name__ = refuse.__qualname__ = name
    refuse.__doc__ = f"Raise NotSupported: no hypervisor that this driver knows claims {capability} with it."
    return refuse
