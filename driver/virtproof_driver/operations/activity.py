"""What storage pools and virtual networks have in common: a name, and being either active or not.

What belongs here: looking up, listing, starting, stopping and removing one, for both alike. What does not: what is told of one
and how one is made (`storage`, `networks`), and domains, which have more states (`transitions`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from virtproof_driver.errors import HypervisorError, InvalidState, NotFound
from virtproof_driver.link import Link


class Handle(Protocol):
    """What libvirt-python has for both kinds."""

    def name(self) -> str: ...
    def create(self) -> int: ...
    def destroy(self) -> int: ...
    def undefine(self) -> int: ...
    def isActive(self) -> int: ...  # noqa: N802 - libvirt-python's name


class Told(Protocol):
    """What the driver tells of one."""

    @property
    def name(self) -> str: ...


H = TypeVar("H", bound=Handle)
Info = TypeVar("Info", bound=Told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[H, Info]):
    """A kind of object: how all are listed, one is looked up by its name, and read. `missing` is what the last two raise."""

    listed: Callable[[Link], Sequence[H]]
    lookup: Callable[[Link, str], H]
    info: Callable[[Link, H], Info]
    missing: type[NotFound]

    def all(self, link: Link) -> tuple[Info, ...]:
        """Every one on the host, ordered by name."""
        found: list[Info] = []
        for handle in self.listed(link):
            try:
                found.append(self.info(link, handle))
            except self.missing:  # it went between the list and the read
                continue
        return tuple(sorted(found, key=lambda one: one.name))

    def one(self, link: Link, name: str) -> Info:
        """One by its name. Raises `missing`."""
        return self.info(link, self.lookup(link, name))

    def start(self, link: Link, name: str) -> Info:
        """Start one; an active one is left as it is."""
        handle = self.lookup(link, name)
        bring(link, handle.create, handle.isActive, active=True)
        return self.one(link, name)

    def stop(self, link: Link, name: str) -> Info:
        """Stop one. One that is not active is left as it is; a transient one goes: `missing`."""
        handle = self.lookup(link, name)
        bring(link, handle.destroy, handle.isActive, active=False)
        return self.one(link, name)

    def remove(self, link: Link, name: str) -> None:
        """Stop and undefine one."""
        handle = self.lookup(link, name)
        try:
            bring(link, handle.destroy, handle.isActive, active=False)
            link.call(handle.undefine)
        except self.missing:  # a transient one goes when it stops
            return


def bring(link: Link, change: Callable[[], int], is_active: Callable[[], int], *, active: bool) -> None:
    """Start or stop; libvirt refuses where it is so already, and the state says whether that was why."""
    try:
        link.call(change)
    except (InvalidState, HypervisorError):
        if bool(link.call(is_active)) is not active:
            raise
