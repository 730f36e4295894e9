"""What the engine is asked when a run removes what killed runs left there."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from virtproof.lanes.containers.engine import Engine, engine_error
from virtproof.lanes.containers.labels import BUILD, OWNED, builder_of, labels_of
from virtproof.lanes.containers.reaping import reap_engine
from virtproof.lanes.folders import owner_of


def owned_by(owner: Mapping[str, object]) -> dict[str, str]:
    return labels_of("0a1b2c", platform.node(), owner)


def dead() -> dict[str, object]:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        owner = owner_of(process.pid)
        process.wait()
    return owner


class Thing:
    """A container, a network or a volume; `refuses` is what the engine says to a removal."""

    def __init__(self, labels: Mapping[str, str], refuses: Exception | None = None) -> None:
        self.labels = labels
        self.attrs = {"Labels": labels}
        self.removals: list[Mapping[str, bool]] = []
        self.done: list[str] = []
        self._refuses = refuses

    def exec_run(self, command: list[str]) -> tuple[int, bytes]:
        assert not self.removals, "what was killed runs nothing any more"
        self.done.append(command[-1])
        return 0, b""

    def remove(self, **options: bool) -> None:
        self.removals.append(options)
        if self._refuses:
            raise self._refuses


class Things:
    """A kind of thing. As the client does, it fails on what went between being listed and being looked at, unless told not to."""

    def __init__(self, *things: Thing, vanishing: bool = False) -> None:
        self._things = things
        self._vanishing = vanishing

    def list(self, *, filters: Mapping[str, str], ignore_removed: bool = False, **_options: Any) -> list[Thing]:
        assert filters == {"label": f"{OWNED}=1"}
        if self._vanishing and not ignore_removed:
            raise engine_error()("No such container")
        return list(self._things)


class Unnamed:
    """Images without a name, by the label of their builder."""

    def __init__(self, builders: Mapping[str, str]) -> None:
        self.builders = dict(builders)

    def images(self, *, filters: Mapping[str, str]) -> list[Mapping[str, Any]]:
        assert filters == {"label": BUILD, "dangling": "true"}
        return [{"Id": name, "Labels": {BUILD: label}} for name, label in self.builders.items()]

    def remove_image(self, image: str) -> None:
        del self.builders[image]


def engine(containers: Things, networks: Things | None = None, volumes: Things | None = None, **more: Any) -> Engine:
    networks, volumes = networks or Things(), volumes or Things()
    kinds = SimpleNamespace(containers=containers, networks=networks, volumes=volumes, api=more.get("api", Unnamed({})))
    return cast("Engine", cast("object", kinds))


def test_frozen_guests_are_let_go_before_their_container_is_killed() -> None:
    left = Thing(owned_by(dead()))
    assert reap_engine(engine(Things(left))) == 1
    assert len(left.removals) == len(left.done) == 1
    assert "THAWED" in left.done[0]


def test_only_what_dead_processes_left_is_removed() -> None:
    left, used = Thing(owned_by(dead())), Thing(owned_by(owner_of(os.getpid())))
    network, volume = Thing(owned_by(dead())), Thing(owned_by(dead()))
    assert reap_engine(engine(Things(left, used), Things(network), Things(volume))) == 3
    assert (left.removals, used.removals) == ([{"force": True, "v": True}], [])
    assert (network.removals, volume.removals) == ([{}], [{}])


def test_of_images_without_a_name_those_of_builders_that_are_gone_are_removed() -> None:
    here = platform.node()
    builders = {
        "left": builder_of(here, dead()),
        "under way": builder_of(here, owner_of(os.getpid())),
        "elsewhere": builder_of("elsewhere", dead()),
        "by hand": "",
        "odd": "[]",
    }
    api = Unnamed(builders)
    assert reap_engine(engine(Things(), api=api)) == 1
    assert set(api.builders) == {"under way", "elsewhere", "by hand", "odd"}


def test_what_the_engine_keeps_does_not_keep_the_rest() -> None:
    kept = Thing(owned_by(dead()), engine_error()("removal is already in progress"))
    left = Thing(owned_by(dead()))
    assert reap_engine(engine(Things(kept, left))) == 1
    assert left.removals


def test_a_container_that_another_run_removes_meanwhile_does_not_end_this_one() -> None:
    left = Thing(owned_by(dead()))
    assert reap_engine(engine(Things(left, vanishing=True))) == 1
    with pytest.raises(engine_error()):
        Things(vanishing=True).list(filters={"label": f"{OWNED}=1"})
