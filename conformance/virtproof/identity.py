"""Who a process is within a run, so that the name of every object on a host tells whose it is.

What belongs here: the run's id, how xdist's controller hands it to workers, and the Worker made from it. What does not: names
themselves (`fixtures`). A run's id is random, so that two runs on one host never touch each other's objects.
"""

import secrets
from collections.abc import MutableMapping
from typing import Final, cast

import pytest

from virtproof.lanes.model import Worker

_RUN: Final = pytest.StashKey[str]()
_INPUT: Final = "virtproof_run"
ALONE: Final = "main"


def run_id(config: pytest.Config) -> str:
    """Six hexadecimal digits, the same in every process of the run."""
    given = cast("dict[str, str]", getattr(config, "workerinput", {}))
    if _RUN not in config.stash:
        config.stash[_RUN] = given.get(_INPUT) or secrets.token_hex(3)
    return config.stash[_RUN]


def hand_out(config: pytest.Config, workerinput: MutableMapping[str, object]) -> None:
    """Called by the controller for each worker before it starts."""
    workerinput[_INPUT] = run_id(config)


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is one of xdist's workers."""
    return hasattr(config, "workerinput")


def worker_of(config: pytest.Config) -> Worker:
    """The identity of this process: `gw0`… under xdist, `main` without."""
    given = cast("dict[str, str]", getattr(config, "workerinput", {}))
    name = given.get("workerid", ALONE)
    run = run_id(config)
    return Worker(run=run, name=name, prefix=f"vp-{run}-{name}-")
