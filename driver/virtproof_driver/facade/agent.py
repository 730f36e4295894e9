"""The contract's methods about the guest agent: one line an operation, gated by its capability.

What belongs here: calls that the agent inside the guest answers. What does not: how it is done (`operations`).
"""

from collections.abc import Iterable

from virtproof_driver.capabilities import Capability
from virtproof_driver.claiming import claims
from virtproof_driver.contract import InstanceId
from virtproof_driver.facade.area import Area
from virtproof_driver.operations import agent
from virtproof_driver.operations.identity import instance_id


class AgentMethods(Area):
    """Asking the agent inside a guest.

    AgentNotConfigured where the instance has no channel for one, AgentUnresponsive where none answers in time, AgentRefused where
    it answers that it did not do it, InvalidState where the instance is paused or off.
    """

    @claims(Capability.AGENT_PASSWORD)
    def set_admin_password(self, uuid: InstanceId, user: str, password: str) -> None:
        """Set a user's password inside the guest."""
        agent.set_admin_password(self._link, instance_id(uuid), user, password)

    @claims(Capability.AGENT_QUIESCE)
    def quiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        """Freeze the guest's file systems at the mountpoints, or all; returns how many.

        QEMU's agent refuses while any is frozen. After AgentUnresponsive they may be frozen all the same: `unquiesce` them.
        """
        return agent.quiesce(self._link, instance_id(uuid), mountpoints)

    @claims(Capability.AGENT_QUIESCE)
    def unquiesce(self, uuid: InstanceId, mountpoints: Iterable[str] = ()) -> int:
        """Thaw the guest's file systems at the mountpoints, or all; returns how many, 0 when none was frozen.

        NotSupported for mountpoints where the hypervisor thaws all at once.
        """
        return agent.unquiesce(self._link, instance_id(uuid), mountpoints)
