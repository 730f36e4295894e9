"""The reference driver: the contract over a link.

What belongs here: putting the areas together, and the end. What does not: the contract's methods and what each promises
(`facade`), how it is done (`operations`), and how the connection is made and kept (`connecting`, `edge`).

Of every method: DriverClosed after close(); NotSupported where the capability is not claimed; ConnectionLost when the connection
broke under a change, whose outcome is then not known; HostUnreachable while it cannot be made again; PermissionDenied when the
connection may not. Methods that only read try once more on a new connection. A method that takes a UUID raises InstanceNotFound,
and InvalidSpec for what is no UUID.
"""

from types import TracebackType
from typing import Self

from virtproof_driver.claiming import with_refusals
from virtproof_driver.facade import (
    AgentMethods,
    ConsoleMethods,
    DeviceMethods,
    EventMethods,
    ImageMethods,
    InventoryMethods,
    LifecycleMethods,
    MetadataMethods,
    MigrationMethods,
    NetworkMethods,
    SecretMethods,
    SnapshotMethods,
    StorageMethods,
)


@with_refusals
class LibvirtDriver(
    InventoryMethods,
    LifecycleMethods,
    MetadataMethods,
    DeviceMethods,
    SnapshotMethods,
    ImageMethods,
    StorageMethods,
    SecretMethods,
    NetworkMethods,
    ConsoleMethods,
    AgentMethods,
    MigrationMethods,
    EventMethods,
):
    """A compute driver over libvirt. Implements `contract.ComputeDriver`; safe from any thread; a context manager."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._link.uri}>"

    def close(self) -> None:
        """Close the connection; waits end with DriverClosed, listeners hear no more. A second call changes nothing.

        Migrations that are under way are aborted first.
        """
        self._migrations.end()
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
