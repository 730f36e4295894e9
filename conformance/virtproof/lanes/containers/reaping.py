"""Removing what killed runs left with the engine: containers, networks, volumes and parts of images whose owner is gone.

What belongs here: asking the engine and removing. What does not: whose a thing is (`labels`), and folders as such
(`lanes.folders`). It runs at the start of each run and at its end. What another process removes meanwhile, or what the engine
keeps, does not keep the rest.
"""

import platform
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from virtproof.lanes.containers.ending import end
from virtproof.lanes.containers.engine import Engine, engine_error
from virtproof.lanes.containers.labels import BUILD, OWNED, is_left_behind, labels_of_build
from virtproof.lanes.folders import is_gone, reap_folders


def reap_all(engine: Engine) -> None:
    """What each run on containers does at its start and at its end: remove what killed runs left, here and with the engine."""
    reap_engine(engine)
    reap_folders()


def reap_engine(engine: Engine) -> int:
    """Remove what dead processes of this machine left there; how many things."""
    wanted = {"label": f"{OWNED}=1"}
    containers = engine.containers.list(all=True, filters=wanted, ignore_removed=True)  # each is asked for after they are listed
    found: list[tuple[Mapping[str, str], Callable[[], object]]] = [(each.labels, partial(end, each)) for each in containers]
    for kind in (engine.networks, engine.volumes):
        found += [(each.attrs.get("Labels") or {}, each.remove) for each in kind.list(filters=wanted)]
    unnamed = {"label": BUILD, "dangling": "true"}  # such an image goes with those that it was built on, as far as no other is
    found += [
        (labels_of_build(each["Labels"] or {}), partial(engine.api.remove_image, each["Id"]))
        for each in engine.api.images(filters=unnamed)
    ]
    return sum(map(_removed, _left_behind(found)))


def _left_behind(found: Iterable[tuple[Mapping[str, str], Callable[[], object]]]) -> list[Callable[[], object]]:
    return [remove for labels, remove in found if is_left_behind(labels, platform.node(), is_gone)]


def _removed(remove: Callable[[], object]) -> bool:
    with suppress(engine_error()):
        remove()
        return True
    return False
