"""Probes of what machines are made of: firmware, TPM, panic device, reactions; and of what is told when their disks fail.

What belongs here: their questions. What does not: what an answer means (`agreement`).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.probes.bench import Bench, running
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.spec import Firmware, Reaction, Tpm

_MADE: Final = ("spawn", "destroy")


def _firmware(bench: Bench) -> None:
    with running(bench, replace(bench.small(), firmware=Firmware.EFI)):
        pass


def _tpm(bench: Bench) -> None:
    with running(bench, replace(bench.small(), tpm=Tpm())):
        pass


def _panic(bench: Bench) -> None:
    with running(bench, replace(bench.small(), panic_device=True)):
        pass


def _reactions(bench: Bench) -> None:
    with running(bench, replace(bench.small(), on_reboot=Reaction.DESTROY)):
        pass


def _io_error(bench: Bench) -> None:
    """To bring one about takes a full disk, which the cases of it make; here the driver's word is asked for."""
    if Capability.EVENTS_IO_ERROR not in bench.driver.capabilities:
        raise Refused("the driver does not claim it")


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.FIRMWARE_EFI: Probe(through=_firmware, methods=_MADE),
        Capability.TPM: Probe(through=_tpm, methods=_MADE),
        Capability.REACTIONS: Probe(through=_reactions, methods=_MADE),
        Capability.EVENTS_PANIC: Probe(through=_panic, methods=_MADE),
        Capability.EVENTS_IO_ERROR: Probe(through=_io_error, methods=("subscribe",)),
    }
)
