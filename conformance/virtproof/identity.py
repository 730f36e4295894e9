"""Who a process is within a run, so that the name of every object on a host tells whose it is.

What belongs here: the run's id and its containers, how xdist's controller hands both to workers, and the Worker made from them.
What does not: names themselves (`fixtures`), and provisioning (`lanes.containers.shared`). A run's id is random, so that two runs
on one host never touch each other's objects.
"""

import secrets
from collections.abc import Iterable, MutableMapping
from typing import Final, cast

import pytest

from virtproof.backends.model import Backend
from virtproof.lanes.containers.handed_in import HandedIn, is_handed_in
from virtproof.lanes.containers.shared import HandedLanes, SharedLanes
from virtproof.lanes.model import Worker
from virtproof.recording.recorder import FAMILY

_RUN: Final = pytest.StashKey[str]()
_INPUT: Final = "virtproof_run"
_LANES_INPUT: Final = "virtproof_lanes"
_SHARED: Final = pytest.StashKey[SharedLanes | HandedIn]()
ALONE: Final = "main"


def run_id(config: pytest.Config) -> str:
    """Six hexadecimal digits, the same in every process of the run."""
    given = cast("dict[str, str]", getattr(config, "workerinput", {}))
    if _RUN not in config.stash:
        config.stash[_RUN] = given.get(_INPUT) or secrets.token_hex(3)
    return config.stash[_RUN]


def shared_lanes(config: pytest.Config) -> SharedLanes | HandedIn:
    """The containers of the run that this process leads; they are gone when pytest ends here, unless they were handed in."""
    if _SHARED not in config.stash:
        config.stash[_SHARED] = HandedIn(run_id(config)) if is_handed_in() else SharedLanes(run_id(config))
        config.add_cleanup(config.stash[_SHARED].close)
    return config.stash[_SHARED]


def secrets_of(config: pytest.Config) -> frozenset[bytes]:
    """What must show nowhere of the containers that this process leads, or was handed; nothing where there are none."""
    return config.stash[_SHARED].secrets if _SHARED in config.stash else frozenset()


def hand_out(config: pytest.Config, workerinput: MutableMapping[str, object], lanes: Iterable[tuple[Backend, str]]) -> None:
    """Called by the controller for each worker before it starts; the first call provisions what the workers share.

    `lanes` are pairs of a backend and a transport.
    """
    workerinput[_INPUT] = run_id(config)
    workerinput[_LANES_INPUT] = shared_lanes(config).handed_out(lanes)


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def workers_of(config: pytest.Config) -> int:
    """How many of xdist's workers share the cases; 1 where this process runs them all."""
    return int(cast("dict[str, int]", getattr(config, "workerinput", {})).get("workercount", 1))


def worker_of(config: pytest.Config) -> Worker:
    """The identity of this process: `gw0`… under xdist, `main` without."""
    given = cast("dict[str, str]", getattr(config, "workerinput", {}))
    name = given.get("workerid", ALONE)
    run = run_id(config)
    shared = HandedLanes(_handed(config)) if is_worker(config) else shared_lanes(config)
    return Worker(run=run, name=name, prefix=f"{FAMILY}{run}-{name}-", shared=shared.description)


def _handed(config: pytest.Config) -> dict[str, str]:
    given = cast("dict[str, dict[str, str]]", getattr(config, "workerinput", {}))
    return given.get(_LANES_INPUT, {})
