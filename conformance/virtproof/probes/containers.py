"""Probes of what containers are made of: file systems; and of what bounds an instance.

What belongs here: their questions. What does not: what an answer means (`agreement`).
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from virtproof.guests.roots import FOLDER, INIT, ROOT_FOLDER, ROOT_IMAGE
from virtproof.probes.bench import Bench, running
from virtproof.probes.model import Probe, Refused
from virtproof_driver import Capability
from virtproof_driver.errors import HypervisorError, InvalidState
from virtproof_driver.spec import DirectorySource, FileSource, Filesystem, Init, InstanceSpec, Limits

_MADE: Final = ("spawn", "destroy")
_ROOT: Final = Filesystem(source=DirectorySource(path=ROOT_FOLDER))
_IMAGE: Final = Filesystem(source=FileSource(path=f"{FOLDER}/{ROOT_IMAGE}"), target="/mnt", read_only=True)
_LIMITS: Final = Limits(cpu_shares=512, cpu_quota_us=50_000)


def _container(bench: Bench, *beside: Filesystem) -> InstanceSpec:
    spec = bench.small()
    return replace(spec, filesystems=(*(spec.filesystems or (_ROOT,)), *beside), init=spec.init or Init(path=INIT))


def _directory(bench: Bench) -> None:
    with running(bench, _container(bench)):
        pass


def _image(bench: Bench) -> None:
    """Beside the root, and read-only: every container of the host may have this image mounted."""
    with running(bench, _container(bench, _IMAGE)):
        pass


def _limits(bench: Bench) -> None:
    """A host without cgroups runs the instance without limits only, and that is a refusal."""
    spec = bench.small()
    try:
        with running(bench, replace(spec, limits=_LIMITS)):
            return
    except (HypervisorError, InvalidState) as error:
        refusal = error
    with running(bench, spec):
        raise Refused(f"the host bounds nothing: {refusal}")


PROBES: Mapping[Capability, Probe] = MappingProxyType(
    {
        Capability.FILESYSTEM_DIRECTORY: Probe(through=_directory, methods=_MADE),
        Capability.FILESYSTEM_IMAGE: Probe(through=_image, methods=_MADE),
        Capability.LIMITS: Probe(through=_limits, methods=_MADE),
    }
)
