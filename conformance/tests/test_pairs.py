"""Which cases get two hosts, and what both have in common."""

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest

from virtproof.cases import Case, Level
from virtproof.destination import DestinationHost
from virtproof.lanes.containers.pair import DESTINATION, pool_of
from virtproof.lanes.model import Lane
from virtproof.own_hosts import is_paired
from virtproof_driver import Capability

NOT_HERE = {Capability.MIGRATION_LIVE: "this host moves nothing"}


def _refusals(known: dict[Capability, str], _versions: object) -> dict[Capability, str]:
    return known


def lane(refusals: dict[Capability, str] | None = None) -> Lane:
    backend = SimpleNamespace(refusals=partial(_refusals, refusals or {}))
    return cast("Lane", cast("Any", SimpleNamespace(backend=backend, versions={})))


def wanting(*needs: Capability, id_: str = "area.case") -> Case:
    return Case(id=id_, level=Level.MUST, requirement="", source="", since="1.0", needs=frozenset(needs))


@pytest.mark.parametrize(
    "made",
    [
        wanting(Capability.SPAWN, Capability.MIGRATION_LIVE),
        wanting(Capability.MIGRATION_OFFLINE),
        wanting(id_="manifest.migration.storage"),
    ],
    ids=lambda made: made.id,
)
def test_a_case_that_moves_instances_gets_a_pair_where_there_is_migration(made: Case) -> None:
    assert is_paired(made, lane())
    assert not is_paired(made, lane(NOT_HERE))


@pytest.mark.parametrize(
    "made", [wanting(Capability.SPAWN), wanting(), wanting(id_="manifest.lifecycle.spawn")], ids=lambda made: made.id
)
def test_another_case_gets_none(made: Case) -> None:
    assert not is_paired(made, lane())


def test_the_ways_to_the_second_host_are_managed_and_by_peers() -> None:
    second = SimpleNamespace(
        uri="qemu+unix:///system?socket=/there", peer_uri="qemu+tcp://destination/system", address=DESTINATION
    )
    there = DestinationHost(
        host=cast("Any", second), recorder=cast("Any", None), world=cast("Any", None), source=cast("Any", None)
    )
    assert (there.managed.uri, there.managed.peer_uri, there.managed.address) == (second.uri, None, DESTINATION)
    assert (there.by_peers.uri, there.by_peers.peer_uri) == (second.uri, second.peer_uri)


def test_the_shared_pool_is_the_runs_and_no_workers() -> None:
    assert pool_of("aabbcc") == "vp-aabbcc-shared"
