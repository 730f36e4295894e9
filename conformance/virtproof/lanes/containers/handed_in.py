"""The containers of a run as its leader was handed them, where suite and hypervisors share nothing but a network.

What belongs here: finding the file that tells of them, and putting a run's guests and network there. What does not: provisioning
them (`apart`). The file holds no secret; it names folders that do.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from virtproof.backends.model import Backend
from virtproof.errors import LaneUnavailable
from virtproof.lanes.bare import opened
from virtproof.lanes.containers.description import Description, from_json, to_json
from virtproof.lanes.containers.engine import check_engine
from virtproof.lanes.containers.furnishing import furnish, network_name, pool_name
from virtproof.lanes.containers.keyring import secrets_in
from virtproof.lanes.containers.pair import share
from virtproof.lanes.containers.shared import PROVISIONER, key_of

VARIABLE: Final = "VIRTPROOF_LANES"
"""The environment variable that names the file: JSON, a description as text for each lane's key."""


def is_handed_in() -> bool:
    """Whether this process was handed its containers."""
    return VARIABLE in os.environ


def check_provisioner() -> None:
    """Raise LaneUnavailable where there is neither an engine nor anybody who provisioned."""
    if not is_handed_in():
        check_engine()


class HandedIn:
    """The containers that this process was handed for the run that it leads."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._told: Mapping[str, str] = json.loads(Path(os.environ[VARIABLE]).read_text(encoding="utf-8"))
        self._furnished: dict[str, Description] = {}

    def description(self, backend: Backend, transport: str) -> Description:
        """A lane's container, furnished at the first call with its spares. Raises LaneUnavailable for one that is not there."""
        key = key_of(backend, transport)
        if key not in self._furnished:
            if key not in self._told:
                raise LaneUnavailable(f"{backend.name}: nobody provisioned a container for {transport} before this run")
            told = from_json(self._told[key])
            spares = tuple(self._ready(backend, Description(**spare)) for spare in told.spares)
            pairs = tuple(tuple(asdict(self._ready_pair(backend, Description(**each))) for each in pair) for pair in told.pairs)
            self._furnished[key] = replace(self._ready(backend, told), spares=tuple(map(asdict, spares)), pairs=pairs)
        return self._furnished[key]

    def handed_out(self, lanes: Iterable[tuple[Backend, str]]) -> dict[str, str]:
        """What workers are told of each lane's container."""
        wanted = [(backend, transport) for backend, transport in lanes if backend.provisioner == PROVISIONER]
        return {key_of(backend, transport): to_json(self.description(backend, transport)) for backend, transport in wanted}

    @property
    def secrets(self) -> frozenset[bytes]:
        """What must show nowhere: what its clients have."""
        return frozenset(secret for told in self._furnished.values() for secret in secrets_in(told.keyring))

    def close(self) -> None:
        """Leave them to who provisioned them."""

    def _ready_pair(self, backend: Backend, told: Description) -> Description:
        ready = self._ready(backend, told)
        share(backend, ready, self._run)
        return ready

    def _ready(self, backend: Backend, told: Description) -> Description:
        connection = opened(told.observed(backend.uri))
        try:
            furnish(connection, self._run)
        finally:
            connection.close()
        return replace(told, pool=pool_name(self._run), network=network_name(self._run))
