"""What a case made through the driver, so that it can be unmade through the driver.

What belongs here: noting successful calls that make something, and the call that unmakes each. What does not: what an operation
made besides (`spawn` and its volumes) or left when it failed; those must be gone by the driver's own doing, and the leak check
looks for them.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, Self

from virtproof.evidence import Kind
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import World
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.markup.storage import pool_xml
from virtproof_driver.spec import PoolSpec


@dataclass(frozen=True, slots=True)
class Undo:
    """How a thing is unmade: with what capability, and whether it is still there."""

    capability: Capability
    is_there: Callable[[World, tuple[Any, ...]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One thing made; `undo` is the driver's method that unmakes it, called with `key`. `folder` is a storage pool's."""

    undo: str
    key: tuple[Any, ...]
    folder: str = ""

    def is_there(self, world: World) -> bool:
        """Whether the host has it."""
        return UNDO[self.undo].is_there(world, self.key)

    @property
    def moves(self) -> bool:
        """Whether a migration takes it to another host; its disks' volumes go with it when it is unmade."""
        return self.undo == "destroy"


# What unmakes what a method made, and how that method's arguments, by the contract's names, give the key.
_MAKERS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], tuple[object, ...]]]]] = MappingProxyType(
    {
        "spawn": ("destroy", lambda given: (given["spec"].uuid,)),
        "create_pool": ("delete_pool", lambda given: (given["pool"].name,)),
        "create_volume": ("delete_volume", lambda given: (given["pool"], given["volume"].name)),
        "clone_volume": ("delete_volume", lambda given: (given["pool"], given["volume"].name)),
        "create_network": ("delete_network", lambda given: (given["network"].name,)),
        "create_secret": ("delete_secret", lambda given: (given["secret"].uuid,)),
    }
)
_SIGNATURES: Final = {name: inspect.signature(getattr(ComputeDriver, name)) for name in _MAKERS}
UNDO: Final[Mapping[str, Undo]] = MappingProxyType(
    {
        "destroy": Undo(Capability.DESTROY, lambda world, key: world.domain(key[0]) is not None),
        "delete_volume": Undo(Capability.STORAGE_VOLUMES, lambda world, key: "/".join(key) in world.inventory().volumes),
        "delete_pool": Undo(Capability.STORAGE_POOLS, lambda world, key: key[0] in world.inventory().pools),
        "delete_network": Undo(Capability.NETWORKS, lambda world, key: key[0] in world.inventory().networks),
        "delete_secret": Undo(Capability.SECRETS, lambda world, key: world.has_secret(key[0])),
    }
)


def unmake(driver: ComputeDriver, makings: Sequence[Made], world: World, recorder: Recorder) -> None:
    """Unmake through the driver, the newest first. What it cannot unmake stays, and the leak check finds it.

    A volume that is left in a pool is recorded before the pool goes, since a host may drop both together.
    """
    for made in reversed(makings):
        if UNDO[made.undo].capability not in driver.capabilities or not made.is_there(world):
            continue
        if made.undo == "delete_pool":
            _note_volumes(made.key[0], world, recorder)
        try:
            getattr(driver, made.undo)(*made.key)
        except Exception as error:  # noqa: BLE001 - any driver's; the leak check judges what is left
            recorder.write(Kind.NOTE, text=f"{made.undo} in the teardown raised {type(error).__name__}: {error}")


def remove_folders(makings: Sequence[Made], world: World) -> None:
    """Remove the folders of storage pools past the driver, which leaves what a pool held; one that is not empty stays."""
    for folder in sorted({made.folder for made in makings if PurePosixPath(made.folder).name.startswith(world.prefix)}):
        with suppress(Exception):  # a pool is there still, which the leak check tells, or its host is gone
            pool = world.connection.storagePoolDefineXML(pool_xml(PoolSpec(name=f"{world.prefix}folder", target=folder)))
            with suppress(Exception):  # the case removed the folder already, or it is not empty
                pool.delete()
            pool.undefine()


def _note_volumes(pool: str, world: World, recorder: Recorder) -> None:
    for volume in world.inventory().volumes:
        if volume.startswith(f"{pool}/"):
            recorder.write(Kind.LEFTOVER, what="volume", name=volume, detail="left in a pool of the case")


class NotingDriver:
    """A driver that notes what is made through it. `isinstance` sees the driver's own class."""

    def __init__(self, driver: ComputeDriver) -> None:
        self._noting_driver = driver
        self.noted_makings: list[Made] = []
        self.noted_closed = False

    @property  # type: ignore[misc]  # a wrapper passes for what it wraps; nobody assigns it
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._noting_driver.__class__

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._noting_driver, name)
        return wraps(value)(partial(self._make, name, value)) if name in _MAKERS else value

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the driver and note it."""
        self.noted_closed = True
        self._noting_driver.close()

    def _make(self, name: str, function: Callable[..., object], *args: object, **kwargs: object) -> object:
        result = function(*args, **kwargs)
        undo, key_of = _MAKERS[name]
        given = _SIGNATURES[name].bind(self, *args, **kwargs).arguments
        folder = given["pool"].target if name == "create_pool" else ""
        self.noted_makings.append(Made(undo=undo, key=key_of(given), folder=folder))
        return result
