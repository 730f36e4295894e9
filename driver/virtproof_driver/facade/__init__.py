"""The contract's methods, one class an area; `driver.LibvirtDriver` is all of them."""

from virtproof_driver.facade.agent import AgentMethods
from virtproof_driver.facade.console import ConsoleMethods
from virtproof_driver.facade.devices import DeviceMethods
from virtproof_driver.facade.events import EventMethods
from virtproof_driver.facade.images import ImageMethods
from virtproof_driver.facade.inventory import InventoryMethods
from virtproof_driver.facade.lifecycle import LifecycleMethods
from virtproof_driver.facade.metadata import MetadataMethods
from virtproof_driver.facade.migration import MigrationMethods
from virtproof_driver.facade.networks import NetworkMethods
from virtproof_driver.facade.secrets import SecretMethods
from virtproof_driver.facade.snapshots import SnapshotMethods
from virtproof_driver.facade.storage import StorageMethods

__all__ = [
    "AgentMethods",
    "ConsoleMethods",
    "DeviceMethods",
    "EventMethods",
    "ImageMethods",
    "InventoryMethods",
    "LifecycleMethods",
    "MetadataMethods",
    "MigrationMethods",
    "NetworkMethods",
    "SecretMethods",
    "SnapshotMethods",
    "StorageMethods",
]
