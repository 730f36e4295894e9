"""What a case made: only calls that succeeded are noted, by the contract's names, and unmade in reverse."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree as ET

import pytest

from virtproof.makings import Made, NotingDriver, remove_folders, unmake
from virtproof.recording.recorder import Recorder
from virtproof.recording.world import Inventory, World
from virtproof_driver import Capability
from virtproof_driver.errors import Busy
from virtproof_driver.spec import NetworkSpec, PoolSpec, VolumeSpec

if TYPE_CHECKING:
    from virtproof_driver.contract import ComputeDriver

VOLUME = VolumeSpec(name="v", capacity_bytes=1)


class Storage:
    """A driver that keeps pools, volumes and networks by name, and refuses what it was told to."""

    capabilities = frozenset(Capability) - {Capability.NETWORKS}

    def __init__(self) -> None:
        self.things: list[str] = []
        self.refuses = ""

    def create_pool(self, pool: PoolSpec) -> None:
        self._make(pool.name)

    def create_volume(self, pool: str, volume: VolumeSpec) -> None:
        self._make(f"{pool}/{volume.name}")

    def create_network(self, network: NetworkSpec) -> None:
        self._make(network.name)

    def delete_pool(self, name: str) -> None:
        self._drop(name)

    def delete_volume(self, pool: str, name: str) -> None:
        self._drop(f"{pool}/{name}")

    def close(self) -> None:
        self.things.append("closed")

    def _make(self, name: str) -> None:
        self._check(name)
        self.things.append(name)

    def _drop(self, name: str) -> None:
        self._check(name)
        self.things.remove(name)

    def _check(self, name: str) -> None:
        if name == self.refuses:
            raise Busy(name)


class Seen:
    """A world that sees what the driver keeps."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def inventory(self) -> Inventory:
        volumes = tuple(name for name in self._storage.things if "/" in name)
        others = tuple(name for name in self._storage.things if "/" not in name)
        return Inventory(pools=others, volumes=volumes, networks=others)


def noted(storage: Storage) -> NotingDriver:
    return NotingDriver(cast("ComputeDriver", cast("object", storage)))


def undo(storage: Storage, makings: list[Made]) -> list[object]:
    recorder = Recorder(worker="main")
    driver, world = cast("ComputeDriver", cast("object", storage)), cast("World", cast("object", Seen(storage)))
    unmake(driver, makings, world, recorder)
    return [record.data.get("name") or record.data.get("text") for record in recorder.records()]


def test_calls_that_succeed_are_noted_however_their_arguments_are_passed() -> None:
    driver: Any = noted(Storage())
    driver.create_pool(PoolSpec(name="p", target="/p"))
    driver.create_volume(volume=VOLUME, pool="p")
    pool = Made(undo="delete_pool", key=("p",), folder="/p")
    assert driver.noted_makings == [pool, Made(undo="delete_volume", key=("p", "v"))]


def test_a_call_that_fails_is_not_noted() -> None:
    storage = Storage()
    storage.refuses = "p"
    driver: Any = noted(storage)
    with pytest.raises(Busy):
        driver.create_pool(PoolSpec(name="p", target="/p"))
    assert driver.noted_makings == []


def test_closing_is_noted_and_reaches_the_driver_also_by_leaving_its_block() -> None:
    storage = Storage()
    driver = noted(storage)
    assert vars(driver)["noted_closed"] is False
    with driver:
        pass
    assert vars(driver)["noted_closed"] is True
    assert storage.things == ["closed"]
    assert isinstance(cast("object", driver), Storage)


def made(do: Callable[[Any], object]) -> tuple[Storage, list[Made]]:
    storage = Storage()
    driver: Any = noted(storage)
    do(driver)
    return storage, driver.noted_makings


def test_what_was_made_is_unmade_the_newest_first_and_what_is_gone_is_let_be() -> None:
    def do(driver: Any) -> None:
        driver.create_pool(PoolSpec(name="p", target="/p"))
        driver.create_volume("p", VOLUME)
        driver.create_volume("p", VolumeSpec(name="gone", capacity_bytes=1))
        driver.delete_volume("p", "gone")

    storage, makings = made(do)
    assert undo(storage, makings) == []
    assert storage.things == []


def test_a_volume_that_is_left_in_a_pool_is_told_before_the_pool_goes() -> None:
    storage, makings = made(lambda driver: driver.create_pool(PoolSpec(name="p", target="/p")))
    storage.things.append("p/leaked")
    assert undo(storage, makings) == ["p/leaked"]
    assert storage.things == ["p/leaked"]


def test_what_the_driver_refuses_or_does_not_claim_stays() -> None:
    def do(driver: Any) -> None:
        driver.create_pool(PoolSpec(name="p", target="/p"))
        driver.create_network(NetworkSpec(name="n"))

    storage, makings = made(do)
    storage.refuses = "p"
    assert undo(storage, makings) == ["delete_pool in the teardown raised Busy: p"]
    assert storage.things == ["p", "n"]


class Folders:
    """A host's connection on which nothing but a pool's folder is removed."""

    def __init__(self, *, full: bool = False) -> None:
        self.done: list[str] = []
        self._full = full

    def storagePoolDefineXML(self, xml: str, flags: int = 0) -> "Folders":
        assert flags == 0
        self.done.append(ET.fromstring(xml).findtext("target/path", ""))
        return self

    def delete(self) -> None:
        self.done.append("delete")
        if self._full:
            raise OSError("Directory not empty")

    def undefine(self) -> None:
        self.done.append("undefine")


class Elsewhere:
    """A world with that connection."""

    prefix = "vp-a-gw0-1-"

    def __init__(self, folders: Folders) -> None:
        self.connection = folders


@pytest.mark.parametrize("full", [False, True], ids=["empty", "not-empty"])
def test_folders_of_the_cases_own_pools_are_removed_once_and_no_others(*, full: bool) -> None:
    folders = Folders(full=full)
    paths = ("/var/tmp/vp-a-gw0-1-pool", "/var/tmp/vp-a-gw0-1-pool", "/srv/images", "")
    makings = [Made(undo="delete_pool", key=("p",), folder=path) for path in paths]
    remove_folders(makings, cast("World", cast("object", Elsewhere(folders))))
    assert folders.done == ["/var/tmp/vp-a-gw0-1-pool", "delete", "undefine"]
