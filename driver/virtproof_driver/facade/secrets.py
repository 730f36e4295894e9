"""The contract's methods about secrets: one line an operation, gated by its capability.

What belongs here: secrets of a host. What does not: how it is done (`operations`), and what uses a secret (`storage`).
"""

from collections.abc import Sequence

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims, reads
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import secrets
from virtproof_driver.operations.identity import instance_id
from virtproof_driver.spec import SecretSpec


class SecretMethods(Area):
    """Secrets of a host."""

    @claims(Capability.SECRETS)
    def create_secret(self, secret: SecretSpec, value: bytes) -> None:
        """Define a secret with its value, 1 to 65,536 bytes; both or neither. SecretExists.

        QEMU takes as a passphrase only UTF-8 without a NUL (10.0).
        """
        secrets.create_secret(self._link, secret, value)

    @reads(Capability.SECRETS)
    def secrets(self) -> Sequence[SecretSpec]:
        """List the secrets, by UUID, without what they hold."""
        return secrets.secrets(self._link)

    @claims(Capability.SECRETS)
    def delete_secret(self, uuid: InstanceId) -> None:
        """Remove a secret and its value, whoever needs it. SecretNotFound."""
        secrets.delete_secret(self._link, instance_id(uuid))
