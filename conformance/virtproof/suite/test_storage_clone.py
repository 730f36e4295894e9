"""Clones: storage volumes made from others.

What belongs here: cases whose ids begin with `storage.clone`. What does not: clones that spawn makes (`test_storage_spawn`).
"""

import pytest

from virtproof.cases import Level, case
from virtproof.suite.common import NO_SUCH_NAME, SPAWNED
from virtproof_driver import Capability
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DriverError,
    InvalidSpec,
    VolumeExists,
    VolumeNotFound,
)
from virtproof_driver.spec import VolumeSpec
from virtproof_driver.values import PoolInfo

POOLS = frozenset({Capability.STORAGE_POOLS})
VOLUMES = POOLS | {Capability.STORAGE_VOLUMES}
CLONES = VOLUMES | {Capability.STORAGE_CLONE}
DISKS = VOLUMES | SPAWNED
MIB = 1 << 20
ONE = VolumeSpec(name="one", capacity_bytes=MIB)
TWO = VolumeSpec(name="two", capacity_bytes=2 * MIB)
CLONE = VolumeSpec(name="clone", capacity_bytes=MIB)
# Of what, what is asked for, which error, and what it names.
REFUSALS: dict[str, tuple[str, VolumeSpec, type[DriverError], str]] = {
    "smaller": ("two", CLONE, InvalidSpec, "capacity_bytes"),
    "unknown": (NO_SUCH_NAME, CLONE, VolumeNotFound, NO_SUCH_NAME),
    "taken": ("one", TWO, VolumeExists, "two"),
}


@case(
    "storage.clone.create",
    Level.MUST,
    requirement="A clone has the capacity asked for, at least its source's; the source stays, and is not needed any more.",
    source="virStorageVolCreateXMLFrom",
    since="1.0",
    needs=CLONES,
)
@pytest.mark.parametrize("capacity", [pytest.param(MIB, id="equal"), pytest.param(2 * MIB, id="larger")])
def test_clone(driver: ComputeDriver, pool: PoolInfo, capacity: int) -> None:
    source = driver.create_volume(pool.name, ONE)
    clone = driver.clone_volume(pool.name, "one", VolumeSpec(name="clone", capacity_bytes=capacity))
    assert (clone.pool, clone.name, clone.capacity_bytes) == (pool.name, "clone", capacity)
    assert clone.path != source.path
    assert driver.volume(pool.name, "one") == source
    driver.delete_volume(pool.name, "one")
    assert driver.volume(pool.name, "clone").capacity_bytes == capacity


@case(
    "storage.clone.refused",
    Level.MUST,
    requirement="A clone smaller than its source, of an unknown source, or of a taken name is refused, and nothing is made.",
    source="virStorageVolCreateXMLFrom rounds a smaller capacity up without a word; errors 50 and 90",
    since="1.0",
    needs=CLONES,
)
@pytest.mark.parametrize("problem", REFUSALS)
def test_clone_refused(driver: ComputeDriver, pool: PoolInfo, problem: str) -> None:
    source, spec, error, told = REFUSALS[problem]
    made = [driver.create_volume(pool.name, volume) for volume in (ONE, TWO)]
    with pytest.raises(error) as refused:
        driver.clone_volume(pool.name, source, spec)
    assert told in str(refused.value)
    assert list(driver.volumes(pool.name)) == made
