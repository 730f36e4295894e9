"""Secrets of a host: passphrases that it gives to what needs them.

What belongs here: making, listing and removing them, and whether those that an instance needs are there. What does not: their XML
(`markup.secret`). A value goes to the host once, and is in no message, no value and no representation.
"""

from collections.abc import Iterable
from uuid import UUID

from virtproof_driver.actions import DefineSecret, RemoveSecret, SetSecretValue
from virtproof_driver.binding import Secret
from virtproof_driver.errors import HypervisorError, SecretExists, SecretNotFound
from virtproof_driver.link import Link
from virtproof_driver.markup.secret import parse_secret
from virtproof_driver.operations.executing import execute, perform
from virtproof_driver.plans import secret_plan
from virtproof_driver.spec import Disk, SecretSpec
from virtproof_driver.storage_validation import validate_secret, validate_secret_value


def create_secret(link: Link, spec: SecretSpec, value: bytes) -> None:
    """Define a secret and give it its value; both or neither. libvirt would redefine one of the same UUID and usage."""
    validate_secret(spec)
    validate_secret_value(value)
    if any(found.UUIDString() == str(spec.uuid) for found in link.call(link.connection().listAllSecrets)):
        raise SecretExists(str(spec.uuid))
    execute(link, secret_plan(spec, value))


def secrets(link: Link) -> tuple[SecretSpec, ...]:
    """Every secret of the host, by UUID; not what they hold."""
    found: list[SecretSpec] = []
    for handle in link.call(link.connection().listAllSecrets):
        try:
            found.append(parse_secret(link.call(handle.XMLDesc)))
        except SecretNotFound:  # it went between the list and the read
            continue
    return tuple(sorted(found, key=lambda secret: secret.uuid))


def delete_secret(link: Link, uuid: UUID) -> None:
    """Remove a secret and its value. Raises SecretNotFound. libvirt does not ask who needs it."""
    link.call(_lookup(link, uuid).undefine)


def require_secrets(link: Link, disks: Iterable[Disk]) -> None:
    """Raise SecretNotFound when a disk's secret is not there, before anything is made that would need it."""
    for disk in disks:
        if disk.secret is not None:
            _lookup(link, disk.secret)


def _lookup(link: Link, uuid: UUID) -> Secret:
    return link.call(link.connection().secretLookupByUUIDString, str(uuid))


@perform.register
def _define(action: DefineSecret, link: Link) -> None:
    try:
        link.call(link.connection().secretDefineXML, action.xml)
    except HypervisorError as refusal:
        taken = next((found for found in secrets(link) if _is_taken(found, action.secret)), None)
        if taken is not None:
            raise SecretExists(str(taken.uuid), f"for {taken.kind} {taken.usage!r}") from refusal
        raise


def _is_taken(found: SecretSpec, wanted: SecretSpec) -> bool:
    return found.uuid == wanted.uuid or (found.usage is not None and (found.kind, found.usage) == (wanted.kind, wanted.usage))


@perform.register
def _set_value(action: SetSecretValue, link: Link) -> None:
    link.call(_lookup(link, action.uuid).setValue, action.value)


@perform.register
def _remove(action: RemoveSecret, link: Link) -> None:
    delete_secret(link, action.uuid)
