"""Probes: one question a capability, asked of the driver under test and of libvirt past it."""

from virtproof.probes.agreement import Finding, disagreement
from virtproof.probes.bench import Bench
from virtproof.probes.model import Answer, Outcome, Probe, ask_driver, ask_libvirt
from virtproof.probes.table import PROBES

__all__ = ["PROBES", "Answer", "Bench", "Finding", "Outcome", "Probe", "ask_driver", "ask_libvirt", "disagreement"]
