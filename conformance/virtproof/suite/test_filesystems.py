"""File systems: what containers have as their root and beside it.

What belongs here: cases whose ids begin with `filesystems`. What does not: the first program (`test_lifecycle_init`).
"""

from dataclasses import replace
from functools import partial

import pytest

from virtproof.cases import Level, case
from virtproof.fixtures import Small
from virtproof.guests.roots import FOLDER, ROOT_IMAGE
from virtproof.lanes.model import GuestControl
from virtproof.recording.world import World
from virtproof.suite.common import SPAWNED, state_of
from virtproof.suite.talk import SHELL, Shell, shell, talking
from virtproof.suite.together import together
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import HypervisorError, InvalidSpec, VolumeExists, VolumeNotFound
from virtproof_driver.spec import DirectorySource, FileSource, Filesystem, InstanceSpec, NewVolume, VolumeSource
from virtproof_driver.values import Instance

DIRECTORY = SPAWNED | {Capability.FILESYSTEM_DIRECTORY}
VOLUMES = SPAWNED | {Capability.FILESYSTEM_IMAGE, Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
CLONED = SHELL | VOLUMES | {Capability.STORAGE_CLONE}
IMAGE_BYTES = 8 << 20
MARK = "/var/mark"


@pytest.fixture
def golden(driver: ComputeDriver) -> VolumeSource:
    """The image of a root file system, in the storage pool that the lane keeps guests in; nobody may write to it."""
    for pool in driver.pools():
        if pool.active and any(volume.name == ROOT_IMAGE for volume in driver.volumes(pool.name)):
            return VolumeSource(pool=pool.name, volume=ROOT_IMAGE)
    raise AssertionError(f"no active storage pool of the host has a volume {ROOT_IMAGE!r}")


def cloned(spec: InstanceSpec, golden: VolumeSource) -> InstanceSpec:
    """The same container on a copy of the image, which is made for it."""
    own = NewVolume(pool=golden.pool, volume=f"{spec.name}.img", capacity_bytes=IMAGE_BYTES, clone_of=golden.volume)
    return replace(spec, filesystems=(Filesystem(source=own),))


def beside(spec: InstanceSpec, filesystem: Filesystem) -> InstanceSpec:
    """The same container with one more file system."""
    return replace(spec, filesystems=(*spec.filesystems, filesystem))


def loop_devices(guests: GuestControl, image: str) -> list[str]:
    """The host's loop devices that show an image, by its path; the kernel lists those that show anything."""
    lines = guests.read("/proc/partitions").decode().split()
    loops = [word for word in lines if word.startswith("loop")]
    files = [(loop, f"/sys/block/{loop}/loop/backing_file") for loop in loops]
    return [loop for loop, file in files if guests.exists(file) and guests.read(file).decode().strip().endswith(image)]


@case(
    "filesystems.directory.root",
    Level.MUST,
    requirement="A directory of the host is the container's root: what is in it is what the guest sees.",
    source="https://libvirt.org/formatdomain.html#filesystems: type mount",
    since="1.0",
    needs=SHELL,
)
def test_directory(driver: ComputeDriver, small: Small, guests: GuestControl) -> None:
    spec = small(guest="obedient")
    (root,) = spec.filesystems
    assert isinstance(root.source, DirectorySource)
    with shell(driver, spec) as guest:
        assert guest.output("cat /etc/passwd").encode() == guests.read(f"{root.source.path}/etc/passwd")


@case(
    "filesystems.directory.read-only",
    Level.MUST,
    requirement="A file system that is read-only cannot be written by the guest.",
    source="https://libvirt.org/formatdomain.html#filesystems: readonly",
    since="1.0",
    needs=SHELL,
)
def test_read_only(driver: ComputeDriver, small: Small) -> None:
    spec = small(guest="obedient")
    (root,) = spec.filesystems
    with shell(driver, replace(spec, filesystems=(replace(root, read_only=True),))) as guest:
        code, text = guest.run(f"touch {MARK}")
    assert code != 0
    assert "Read-only file system" in text


@case(
    "filesystems.directory.beside",
    Level.MUST,
    requirement="A container has each file system where its target says, beside its root.",
    source="https://libvirt.org/formatdomain.html#filesystems: target",
    since="1.0",
    needs=SHELL,
)
def test_beside(driver: ComputeDriver, small: Small) -> None:
    extra = Filesystem(source=DirectorySource(path=FOLDER), target="/mnt", read_only=True)
    with shell(driver, beside(small(guest="obedient"), extra)) as guest:
        assert ROOT_IMAGE in guest.output("ls /mnt").split()
        assert guest.run("touch /mnt/x")[0] != 0


@case(
    "filesystems.directory.missing",
    Level.MUST,
    requirement="A spawn whose root directory is not there fails by the host's own error and leaves nothing.",
    source="libvirt_lxc refuses to start: 1/17 (measured on libvirt 11.3.0)",
    since="1.0",
    needs=DIRECTORY,
)
def test_missing_directory(driver: ComputeDriver, small: Small, world: World) -> None:
    spec = replace(small(), filesystems=(Filesystem(source=DirectorySource(path="/virtproof/no-such-root")),))
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(spec)
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None


@case(
    "filesystems.directory.shared",
    Level.MUST,
    requirement="Containers on one directory see each other's files there.",
    source="https://libvirt.org/formatdomain.html#filesystems: type mount",
    since="1.0",
    needs=SHELL,
)
def test_shared(driver: ComputeDriver, small: Small) -> None:
    first, second = small(guest="obedient"), small(guest="obedient")
    with shell(driver, first) as one, shell(driver, second) as other:
        mark = f"/tmp/{first.name}"  # noqa: S108 - a path in the container
        one.output(f"echo written by the first >{mark}")
        assert other.output(f"cat {mark}; rm {mark}") == "written by the first\n"


@case(
    "filesystems.image.file",
    Level.MUST,
    requirement="An image file of the host is mounted where its target says, through a loop device.",
    source="https://libvirt.org/formatdomain.html#filesystems: type file, driver loop",
    since="1.0",
    needs=SHELL | {Capability.FILESYSTEM_IMAGE},
)
def test_image_file(driver: ComputeDriver, small: Small) -> None:
    image = Filesystem(source=FileSource(path=f"{FOLDER}/{ROOT_IMAGE}"), target="/mnt", read_only=True)
    with shell(driver, beside(small(guest="obedient"), image)) as guest:
        assert guest.output("cat /mnt/etc/passwd") == guest.output("cat /etc/passwd")
        assert "/mnt ext4 ro" in guest.output("cut -d' ' -f2-4 /proc/mounts | cut -d, -f1")


@case(
    "filesystems.image.volume",
    Level.MUST,
    requirement="A storage volume is mounted through a loop device, found by the names of its pool and itself.",
    source="libvirt_lxc refuses type volume: 67 (measured on libvirt 11.3.0), so that the driver finds the volume's path",
    since="1.0",
    needs=SHELL | VOLUMES,
)
def test_volume(driver: ComputeDriver, small: Small, golden: VolumeSource) -> None:
    spec = beside(small(guest="obedient"), Filesystem(source=golden, target="/mnt", read_only=True))
    with shell(driver, spec) as guest:
        assert guest.output("cat /mnt/etc/passwd") == guest.output("cat /etc/passwd")
    assert driver.spec(spec.uuid).filesystems == spec.filesystems


@case(
    "filesystems.image.clone",
    Level.MUST,
    requirement="A new volume is a container's own root: what the guest writes stays over a hard reboot, and nowhere else.",
    source="driver contract: spawn makes new volumes",
    since="1.0",
    needs=CLONED | {Capability.REBOOT_HARD},
)
def test_clone(driver: ComputeDriver, small: Small, golden: VolumeSource) -> None:
    spec, other = cloned(small(guest="obedient"), golden), cloned(small(guest="obedient"), golden)
    with shell(driver, spec) as guest:
        assert "/ ext4 rw" in guest.output("cut -d' ' -f2-4 /proc/mounts | cut -d, -f1")
        guest.output(f"echo mine >{MARK}; sync")
    driver.reboot(spec.uuid, hard=True)
    with driver.console(spec.uuid) as console:
        assert Shell(console).output(f"cat {MARK}") == "mine\n"
    with shell(driver, other) as guest:
        assert guest.run(f"cat {MARK}")[0] != 0


@case(
    "filesystems.image.at-once",
    Level.MUST,
    requirement="Containers on images that are spawned at once all run, each on its own.",
    source="libvirt_lxc takes a loop device in two steps; of two starts at once one may find it taken: error 1 (11.3.0)",
    since="1.0",
    needs=VOLUMES,
)
def test_at_once(driver: ComputeDriver, small: Small, world: World) -> None:
    image = Filesystem(source=FileSource(path=f"{FOLDER}/{ROOT_IMAGE}"), target="/mnt", read_only=True)
    specs = [beside(small(), image) for _ in range(8)]
    spawned = together([partial(driver.spawn, spec) for spec in specs])
    assert [one.uuid for one in spawned if isinstance(one, Instance)] == [spec.uuid for spec in specs], spawned
    assert [state_of(world, one) for one in spawned if isinstance(one, Instance)] == [DomainState.RUNNING] * len(specs)


@case(
    "filesystems.image.spec",
    Level.MUST,
    requirement="spec() gives the file systems that the container was spawned with, running or off.",
    source="driver contract: spec",
    since="1.0",
    needs=VOLUMES | {Capability.STORAGE_CLONE},
)
@pytest.mark.parametrize("start", [True, False], ids=["running", "off"])
def test_spec(driver: ComputeDriver, small: Small, golden: VolumeSource, *, start: bool) -> None:
    extra = Filesystem(source=golden, target="/mnt", read_only=True)
    spec = beside(cloned(small(), golden), extra)
    driver.spawn(spec, start=start)
    assert driver.spec(spec.uuid).filesystems == spec.filesystems


@case(
    "filesystems.image.destroy",
    Level.MUST,
    requirement="destroy() deletes the volume that spawn made and frees its loop device; a volume of the caller's stays.",
    source="driver contract: destroy removes what spawn made; loop(4): LO_FLAGS_AUTOCLEAR",
    since="1.0",
    needs=CLONED,
)
def test_destroy(driver: ComputeDriver, small: Small, golden: VolumeSource, guests: GuestControl) -> None:
    spec = cloned(small(guest="obedient"), golden)
    with shell(driver, spec):
        assert len(loop_devices(guests, f"{spec.name}.img")) == 1
    driver.destroy(spec.uuid)
    assert loop_devices(guests, f"{spec.name}.img") == []
    names = [volume.name for volume in driver.volumes(golden.pool)]
    assert f"{spec.name}.img" not in names
    assert golden.volume in names


@case(
    "filesystems.image.failed-start",
    Level.MUST,
    requirement="A start that fails after the image was mounted frees its loop device and deletes its volume.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=CLONED,
)
def test_failed_start(driver: ComputeDriver, small: Small, golden: VolumeSource, guests: GuestControl, world: World) -> None:
    spec = cloned(small(guest="obedient"), golden)
    assert spec.init is not None
    with pytest.raises(HypervisorError) as failed:
        driver.spawn(replace(spec, init=replace(spec.init, path="/no/such/init")))
    assert failed.value.undone_failures == ()
    assert world.domain(spec.uuid) is None
    assert loop_devices(guests, f"{spec.name}.img") == []
    assert f"{spec.name}.img" not in [volume.name for volume in driver.volumes(golden.pool)]


@case(
    "filesystems.image.missing",
    Level.MUST,
    requirement="A volume that is not there is VolumeNotFound, which names it, and nothing is made.",
    source="libvirt error 50 (VIR_ERR_NO_STORAGE_VOL)",
    since="1.0",
    needs=VOLUMES,
)
def test_missing_volume(driver: ComputeDriver, small: Small, golden: VolumeSource, world: World) -> None:
    spec = replace(small(), filesystems=(Filesystem(source=replace(golden, volume="no-such-volume")),))
    with pytest.raises(VolumeNotFound) as refused:
        driver.spawn(spec)
    assert refused.value.key == "no-such-volume"
    assert world.domain(spec.uuid) is None


@case(
    "filesystems.image.taken",
    Level.MUST,
    requirement="A new volume whose name is taken is VolumeExists; the one that is there stays.",
    source="libvirt error 90 (VIR_ERR_STORAGE_VOL_EXIST)",
    since="1.0",
    needs=VOLUMES,
)
def test_taken(driver: ComputeDriver, small: Small, golden: VolumeSource, world: World) -> None:
    before = driver.volume(golden.pool, golden.volume)
    new = NewVolume(pool=golden.pool, volume=golden.volume, capacity_bytes=IMAGE_BYTES)
    spec = replace(small(), filesystems=(Filesystem(source=new),))
    with pytest.raises(VolumeExists):
        driver.spawn(spec)
    assert driver.volume(golden.pool, golden.volume) == before
    assert world.domain(spec.uuid) is None


@case(
    "filesystems.impossible",
    Level.MUST,
    requirement="A file system that cannot be is InvalidSpec, which names the field, and nothing is made.",
    source="driver contract: InvalidSpec before anything is done",
    since="1.0",
    needs=DIRECTORY,
)
@pytest.mark.parametrize("wrong", ["relative-target", "relative-source", "same-target"])
def test_impossible(driver: ComputeDriver, small: Small, world: World, wrong: str) -> None:
    root = Filesystem(source=DirectorySource(path="/virtproof"))
    made = {
        "relative-target": (replace(root, target="mnt"),),
        "relative-source": (Filesystem(source=DirectorySource(path="virtproof")),),
        "same-target": (root, root),
    }
    spec = replace(small(), filesystems=made[wrong])
    with pytest.raises(InvalidSpec) as refused:
        driver.spawn(spec)
    assert refused.value.field.startswith("filesystems")
    assert world.domain(spec.uuid) is None


@case(
    "filesystems.image.in-use",
    Level.MUST,
    requirement="A container that is forced off and started again mounts the same image again; one loop device shows it.",
    source="loop(4)",
    since="1.0",
    needs=CLONED | {Capability.STOP, Capability.START},
)
def test_started_again(driver: ComputeDriver, small: Small, golden: VolumeSource, guests: GuestControl) -> None:
    spec = cloned(small(guest="obedient"), golden)
    with talking(driver, spec) as console:
        Shell(console)
    driver.stop(spec.uuid, timeout=0)
    assert loop_devices(guests, f"{spec.name}.img") == []
    driver.start(spec.uuid)
    assert len(loop_devices(guests, f"{spec.name}.img")) == 1
