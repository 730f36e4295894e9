"""What virDomainGetState answers, in our words.

What belongs here: the table from libvirt's (state, reason) numbers to `PowerState` and a word, and the value made of them.
What does not: changes of state; those are `events`. Words are libvirt's own names in lower case
(VIR_DOMAIN_PAUSED_FROM_SNAPSHOT is `from-snapshot`), and a test compares each with the real module.
Source: https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainState and the reason enums beside it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from virtproof_driver.constants import DomainState
from virtproof_driver.values import Instance, PowerState

UNKNOWN = "unknown"

POWER_STATES: Mapping[DomainState, PowerState] = MappingProxyType(
    {
        DomainState.NOSTATE: PowerState.NO_STATE,
        DomainState.RUNNING: PowerState.RUNNING,
        DomainState.BLOCKED: PowerState.BLOCKED,
        DomainState.PAUSED: PowerState.PAUSED,
        DomainState.SHUTDOWN: PowerState.SHUTTING_DOWN,
        DomainState.SHUTOFF: PowerState.OFF,
        DomainState.CRASHED: PowerState.CRASHED,
        DomainState.PMSUSPENDED: PowerState.PM_SUSPENDED,
    }
)

_RUNNING = (
    UNKNOWN,
    "booted",
    "migrated",
    "restored",
    "from-snapshot",
    "unpaused",
    "migration-canceled",
    "save-canceled",
    "wakeup",
    "crashed",
    "postcopy",
    "postcopy-failed",
)
_PAUSED = (
    UNKNOWN,
    "user",
    "migration",
    "save",
    "dump",
    "ioerror",
    "watchdog",
    "from-snapshot",
    "shutting-down",
    "snapshot",
    "crashed",
    "starting-up",
    "postcopy",
    "postcopy-failed",
    "api-error",  # libvirt 10.1
)
_OFF = (UNKNOWN, "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from-snapshot", "daemon")

REASONS: Mapping[DomainState, tuple[str, ...]] = MappingProxyType(
    {
        DomainState.NOSTATE: (UNKNOWN,),
        DomainState.RUNNING: _RUNNING,
        DomainState.BLOCKED: (UNKNOWN,),
        DomainState.PAUSED: _PAUSED,
        DomainState.SHUTDOWN: (UNKNOWN, "user"),
        DomainState.SHUTOFF: _OFF,
        DomainState.CRASHED: (UNKNOWN, "panicked"),
        DomainState.PMSUSPENDED: (UNKNOWN,),
    }
)


def word(words: Sequence[str], number: int) -> str:
    """The word of a number, `unknown` for one that a newer libvirt added."""
    return words[number] if 0 <= number < len(words) else UNKNOWN


def power_state(state: int, reason: int) -> tuple[PowerState, str]:
    """What a state and a reason mean; numbers that a newer libvirt added are NO_STATE and `unknown`."""
    try:
        known = DomainState(state)
    except ValueError:
        return PowerState.NO_STATE, UNKNOWN
    return POWER_STATES[known], word(REASONS[known], reason)


def instance_of(uuid: UUID, name: str, state_pair: Sequence[int]) -> Instance:
    """The instance that one read of virDomainGetState found; `state_pair` is libvirt-python's (state, reason)."""
    state, reason = power_state(state_pair[0], state_pair[1])
    return Instance(uuid=uuid, name=name, state=state, reason=reason)
