"""Secrets: passphrases that a host keeps, and disks that are encrypted with them.

What belongs here: cases whose ids begin with `secrets`. What does not: credentials of connections (`test_authentication`). A
secret's usage bears the worker's prefix, so that one that is left behind is seen. Encrypted volumes are made sparingly: deriving
a key takes QEMU seconds on purpose.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final
from uuid import UUID

import pytest

from virtproof.case_context import CaseContext
from virtproof.cases import Level, case
from virtproof.contents import held
from virtproof.fixtures import Small
from virtproof.recording.faults import Faults
from virtproof.recording.world import World
from virtproof.suite.common import NO_SUCH, SPAWNED, domain_of
from virtproof_driver import Capability
from virtproof_driver.constants import DomainState, ErrorCode, ErrorDomain, XmlFlag
from virtproof_driver.contract import ComputeDriver
from virtproof_driver.errors import (
    DriverError,
    HypervisorError,
    InvalidSpec,
    InvalidState,
    NotSupported,
    SecretExists,
    SecretNotFound,
)
from virtproof_driver.spec import Disk, InstanceSpec, NewVolume, SecretKind, SecretSpec, VolumeSource, VolumeSpec
from virtproof_driver.values import PoolInfo

SECRETS: Final = frozenset({Capability.SECRETS})
VOLUMES: Final = SECRETS | {Capability.STORAGE_POOLS, Capability.STORAGE_VOLUMES}
ENCRYPTED: Final = VOLUMES | SPAWNED | {Capability.DISK_ENCRYPTION}
MIB: Final = 1 << 20
VALUE: Final = b"correct horse\0battery staple"
PASSPHRASE: Final = "correct horse bättery staple".encode()
"""What encrypts a volume must be text for QEMU: UTF-8 without a NUL (10.0)."""
LUKS: Final = b"LUKS\xba\xbe"
LONGEST: Final = 65536


@pytest.fixture
def secret(small: Small, names: Callable[..., str]) -> SecretSpec:
    """A secret to make."""
    return SecretSpec(uuid=small().uuid, usage=names("secret"), description="a <secret> & more")


def bare_secret(world: World, uuid: UUID) -> Any:
    """The secret as libvirt-python has it."""
    return world.connection.secretLookupByUUIDString(str(uuid))


@case(
    "secrets.create.listed",
    Level.MUST,
    requirement="A secret that was made is listed as it was described, without its value, until it is deleted.",
    source="virSecretDefineXML, https://libvirt.org/formatsecret.html",
    since="1.0",
    needs=SECRETS,
)
@pytest.mark.parametrize("kind", SecretKind)
@pytest.mark.parametrize("kept", ["private", "readable"])
def test_listed(driver: ComputeDriver, world: World, secret: SecretSpec, kind: SecretKind, kept: str) -> None:
    spec = replace(secret, kind=kind, private=kept == "private", ephemeral=kept == "private")
    driver.create_secret(spec, VALUE)
    listed = list(driver.secrets())
    assert listed == sorted(listed, key=lambda each: each.uuid)
    assert [each for each in listed if (each.usage or "").startswith(world.prefix)] == [spec]
    driver.delete_secret(spec.uuid)
    assert spec.uuid not in {each.uuid for each in driver.secrets()}


@case(
    "secrets.create.value",
    Level.MUST,
    requirement="The host gets the value as it is, to the byte, whatever it holds.",
    source="virSecretSetValue, virSecretGetValue",
    since="1.0",
    needs=SECRETS,
)
@pytest.mark.parametrize(
    "value", [VALUE, b"x", bytes(range(256)), b"x" * LONGEST], ids=["words", "shortest", "any-byte", "longest"]
)
def test_value(driver: ComputeDriver, world: World, secret: SecretSpec, value: bytes) -> None:
    driver.create_secret(replace(secret, private=False), value)
    assert bare_secret(world, secret.uuid).value(0) == value


@case(
    "secrets.create.private",
    Level.MUST,
    requirement="A secret is private unless the caller wants otherwise: its value cannot be read back.",
    source="https://libvirt.org/formatsecret.html: private; error 65 (VIR_ERR_INVALID_SECRET)",
    since="1.0",
    needs=SECRETS,
)
def test_private(driver: ComputeDriver, world: World, secret: SecretSpec) -> None:
    driver.create_secret(secret, VALUE)
    with pytest.raises(Exception, match="private") as refused:
        bare_secret(world, secret.uuid).value(0)
    refusal: Any = refused.value
    assert refusal.get_error_code() == ErrorCode.INVALID_SECRET


@case(
    "secrets.create.hidden",
    Level.MUST,
    requirement="A value shows in no error, no representation, no list, and nothing that the suite recorded.",
    source="driver contract: a value goes to the host once",
    since="1.0",
    needs=SECRETS,
)
def test_hidden(driver: ComputeDriver, secret: SecretSpec, faults: Faults, virtproof_case: CaseContext) -> None:
    value = b"hunter2-" + secret.uuid.bytes
    forms = (value.decode("latin-1"), "hunter2", base64.b64encode(value).decode(), value.hex())
    said: list[str] = []
    faults.raise_on("Secret.setValue", ErrorCode.SYSTEM_ERROR, ErrorDomain.SECRET)
    for _ in range(3):  # the host's failure, success, and a second one of that name
        try:
            driver.create_secret(secret, value)
        except DriverError as error:
            said += [str(error), repr(error), repr(vars(error)), *getattr(error, "__notes__", ())]
    with pytest.raises(InvalidSpec) as long:
        driver.create_secret(secret, value * LONGEST)
    said += [str(long.value), repr(driver.secrets()), repr(driver)]
    said += [json.dumps(asdict(record), default=str) for record in virtproof_case.recorder.records()]
    assert [form for form in forms for text in said if form in text] == []
    assert any(secret.uuid.hex in text or str(secret.uuid) in text for text in said)


@case(
    "secrets.create.taken",
    Level.MUST,
    requirement="A UUID or a usage that another secret has is SecretExists; that one keeps its description and value.",
    source="virSecretDefineXML redefines one of the same UUID and usage, and answers 1 for the others (libvirt 11.3.0)",
    since="1.0",
    needs=SECRETS,
)
@pytest.mark.parametrize("same", ["both", "uuid", "usage"])
def test_taken(  # noqa: PLR0913, PLR0917 - fixtures
    driver: ComputeDriver, world: World, secret: SecretSpec, small: Small, names: Callable[..., str], same: str
) -> None:
    kept = replace(secret, private=False)
    driver.create_secret(kept, VALUE)
    others = {"both": secret, "uuid": replace(secret, usage=names("secret")), "usage": replace(secret, uuid=small().uuid)}
    with pytest.raises(SecretExists) as refused:
        driver.create_secret(replace(others[same], description="other"), b"other")
    assert refused.value.key == str(secret.uuid)
    assert [each for each in driver.secrets() if each.usage in (secret.usage, others[same].usage)] == [kept]
    assert bare_secret(world, secret.uuid).value(0) == VALUE


@case(
    "secrets.create.invalid",
    Level.MUST,
    requirement="A value that is empty or too long, and a description that cannot be, is InvalidSpec, before anything is made.",
    source="virSecretSetValue refuses an empty value (8) and more than 65,536 bytes (39) (libvirt 11.3.0)",
    since="1.0",
    needs=SECRETS,
)
@pytest.mark.parametrize("field", ["value", "too-long", "usage", "description"])
def test_invalid(driver: ComputeDriver, world: World, secret: SecretSpec, field: str) -> None:
    spoilt = {"usage": replace(secret, usage=""), "description": replace(secret, description="")}.get(field, secret)
    value = {"value": b"", "too-long": b"x" * (LONGEST + 1)}.get(field, VALUE)
    with pytest.raises(InvalidSpec) as refused:
        driver.create_secret(spoilt, value)
    assert refused.value.field == ("value" if field == "too-long" else field)
    assert not world.has_secret(secret.uuid)


@case(
    "secrets.create.undone",
    Level.MUST,
    requirement="A secret whose value the host does not take is not left behind, and the error is the host's.",
    source="driver contract: an operation that fails leaves nothing behind",
    since="1.0",
    needs=SECRETS,
)
def test_undone(driver: ComputeDriver, world: World, secret: SecretSpec, faults: Faults) -> None:
    faults.raise_on("Secret.setValue", ErrorCode.SYSTEM_ERROR, ErrorDomain.SECRET)
    with pytest.raises(HypervisorError) as failed:
        driver.create_secret(secret, VALUE)
    assert (failed.value.code, failed.value.undone_failures) == (ErrorCode.SYSTEM_ERROR, ())
    assert not world.has_secret(secret.uuid)
    driver.create_secret(secret, VALUE)
    assert world.has_secret(secret.uuid)


@case(
    "secrets.delete",
    Level.MUST,
    requirement="delete_secret() removes that secret and no other; one that is not there is SecretNotFound, which names it.",
    source="virSecretUndefine; libvirt error 66 (VIR_ERR_NO_SECRET)",
    since="1.0",
    needs=SECRETS,
)
def test_delete(driver: ComputeDriver, world: World, secret: SecretSpec, small: Small, names: Callable[..., str]) -> None:
    other = replace(secret, uuid=small().uuid, usage=names("secret"))
    driver.create_secret(secret, VALUE)
    driver.create_secret(other, VALUE)
    driver.delete_secret(str(secret.uuid))
    assert (world.has_secret(secret.uuid), world.has_secret(other.uuid)) == (False, True)
    for uuid in (secret.uuid, NO_SUCH):
        with pytest.raises(SecretNotFound) as missing:
            driver.delete_secret(uuid)
        assert missing.value.key == str(uuid)


@case(
    "secrets.volume.encrypted",
    Level.MUST,
    requirement="A volume with a secret is encrypted and told so, of the capacity asked for, and is not resized without it.",
    source="https://libvirt.org/formatstorageencryption.html: luks; error 27 of virStorageVolResize (libvirt 11.3.0)",
    since="1.0",
    needs=VOLUMES | {Capability.DISK_ENCRYPTION, Capability.STORAGE_DOWNLOAD, Capability.STORAGE_RESIZE},
)
def test_encrypted_volume(driver: ComputeDriver, world: World, pool: PoolInfo, secret: SecretSpec) -> None:
    driver.create_secret(secret, PASSPHRASE)
    made = driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB, secret=secret.uuid))
    assert (made.capacity_bytes, made.encrypted) == (MIB, True)
    assert held(world, pool.name, "one")[: len(LUKS)] == LUKS
    with pytest.raises(NotSupported):
        driver.resize_volume(pool.name, "one", 2 * MIB)
    driver.refresh_pool(pool.name)
    assert driver.volume(pool.name, "one").encrypted


@case(
    "secrets.volume.missing",
    Level.MUST,
    requirement="A volume whose secret is not there, or has no value, is SecretNotFound; no volume is made.",
    source="libvirt error 66 (VIR_ERR_NO_SECRET)",
    since="1.0",
    needs=VOLUMES,
)
@pytest.mark.parametrize("has", ["nothing", "no-value"])
def test_missing_for_a_volume(driver: ComputeDriver, world: World, pool: PoolInfo, secret: SecretSpec, has: str) -> None:
    if has == "no-value":
        world.connection.secretDefineXML(f"<secret><uuid>{secret.uuid}</uuid></secret>")
    try:
        with pytest.raises(SecretNotFound):
            driver.create_volume(pool.name, VolumeSpec(name="one", capacity_bytes=MIB, secret=secret.uuid))
    finally:
        if has == "no-value":
            bare_secret(world, secret.uuid).undefine()
    assert list(driver.volumes(pool.name)) == []


def encrypted(spec: InstanceSpec, pool: PoolInfo, secret: UUID) -> InstanceSpec:
    """The instance with an encrypted copy of the first disk in the first disk's place."""
    source = spec.disks[0].source
    assert isinstance(source, VolumeSource)
    new = NewVolume(pool=pool.name, volume="own", capacity_bytes=MIB, clone_of="golden")
    return replace(spec, disks=(replace(spec.disks[0], source=new, secret=secret, read_only=False),))


@case(
    "secrets.disk.missing",
    Level.MUST,
    requirement="An instance whose disk's secret is not there is SecretNotFound, which names it: no instance, no volume.",
    source="libvirt error 66 (VIR_ERR_NO_SECRET) comes at the start; driver contract: checked before anything is made",
    since="1.0",
    needs=ENCRYPTED,
)
@pytest.mark.parametrize("how", ["start", "define"])
def test_missing_for_a_disk(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, how: str) -> None:
    spec, unknown = small(), UUID(NO_SUCH)
    disks = (
        Disk(target="vdb", source=NewVolume(pool=pool.name, volume="plain", capacity_bytes=MIB)),
        Disk(target="vdc", source=NewVolume(pool=pool.name, volume="own", capacity_bytes=MIB), secret=unknown),
    )
    before = world.inventory()
    with pytest.raises(SecretNotFound) as missing:
        driver.spawn(replace(spec, disks=(*spec.disks, *disks)), start=how == "start")
    assert missing.value.key == NO_SUCH
    assert world.inventory() == before


@case(
    "secrets.disk.encrypted",
    Level.MUST,
    requirement="An instance runs from an encrypted disk; its bytes are unreadable, and without its secret it does not start.",
    source="https://libvirt.org/formatdomain.html: encryption; libvirt error 66 (VIR_ERR_NO_SECRET)",
    since="1.0",
    needs=ENCRYPTED
    | {
        Capability.GUESTS,
        Capability.STORAGE_CLONE,
        Capability.STORAGE_UPLOAD,
        Capability.STORAGE_DOWNLOAD,
        Capability.IMAGE_CAPTURE,
    },
)
def test_encrypted_disk(driver: ComputeDriver, small: Small, world: World, pool: PoolInfo, secret: SecretSpec) -> None:
    guest, plain = small(guest="poweroff"), bytearray()
    driver.capture_image(driver.spawn(guest, start=False).uuid, plain.extend)
    driver.create_volume(pool.name, VolumeSpec(name="golden", capacity_bytes=MIB))
    driver.upload_volume(pool.name, "golden", bytes(plain))
    driver.create_secret(secret, PASSPHRASE)
    spec = encrypted(small(guest="poweroff"), pool, secret.uuid)
    instance = driver.spawn(spec)
    with pytest.raises(InvalidState):
        driver.capture_image(instance.uuid, plain.extend)
    world.wait_event(instance.uuid, 5, 0)  # it booted, and powered itself off
    assert driver.spec(instance.uuid).disks == spec.disks
    assert PASSPHRASE.decode() not in domain_of(world, instance.uuid).XMLDesc(XmlFlag.SECURE)

    image = bytearray()
    driver.capture_image(instance.uuid, image.extend)
    assert bytes(image) == held(world, pool.name, "own")
    assert bytes(image[: len(LUKS)]) == LUKS
    assert bytes(plain[:64]) not in image

    driver.delete_secret(secret.uuid)
    with pytest.raises(SecretNotFound):
        driver.start(instance.uuid)
    found = world.state(instance.uuid)
    assert found is not None
    assert found[0] == DomainState.SHUTOFF
    driver.destroy(instance.uuid)
    assert [volume.name for volume in driver.volumes(pool.name)] == ["golden"]
