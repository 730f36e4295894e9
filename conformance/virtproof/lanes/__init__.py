"""Lanes: backends provisioned one way, for a worker."""

from virtproof.lanes.model import CaseWorld, DaemonControl, Lane, Worker, label_of
from virtproof.lanes.provisioning import provision

__all__ = ["CaseWorld", "DaemonControl", "Lane", "Worker", "label_of", "provision"]
