"""The image of a lane's container: there already, or built now.

What belongs here: building the recipe once, and saying so. What does not: the recipe (`recipe`), what it is built on (`bases`).
Two runs that build at once build twice and end with one image, since its name is the content's.
"""

import io
import os
import platform
import re
from collections.abc import Mapping
from typing import Final

from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers.bases import Say, base_of, has_image
from virtproof.lanes.containers.engine import Engine, connected, engine_error
from virtproof.lanes.containers.labels import builder_of
from virtproof.lanes.containers.reaping import reap_all
from virtproof.lanes.containers.recipe import Recipe, shipped_recipe
from virtproof.lanes.folders import owner_of

BUILD_SECONDS: Final = 1200
LABEL: Final = "virtproof.recipe"
_LAST: Final = 3  # lines of a failed build that are told
_LONGEST: Final = 400
_COLOUR: Final = re.compile(r"\x1b\[\d*m")
_ERROR: Final = re.compile(r"E: |error: ")  # as apt-get and virsh begin
_REMEDY: Final = "check this machine's network and Debian's mirror, or name another suite by --suite"


def ready_image(say: Say, suite: str = "") -> None:
    """Have the recipe's image of a suite, once what killed runs left is gone. Raises LaneUnavailable as `image_of` does."""
    engine = connected()
    try:
        reap_all(engine)
        image_of(engine, shipped_recipe(suite), say)
    finally:
        engine.close()


def image_of(engine: Engine, wanted: Recipe, say: Say) -> str:
    """The name of the recipe's image, built when the engine has none. Raises LaneUnavailable, saying what stands in the way."""
    if not has_image(engine, wanted.tag):
        say(f"building the image {wanted.tag}, once; it takes a minute or two")
        _build(engine, wanted, base_of(engine, wanted, say))
    return wanted.tag


def _build(engine: Engine, recipe: Recipe, base: str) -> None:
    said: list[str] = []
    try:
        for step in engine.api.build(**_order(recipe, base)):
            said += [line for line in _COLOUR.sub("", step.get("stream", "")).splitlines() if line.strip()]
            if "error" in step:
                raise LaneUnavailable(_why(recipe, base, [*said, step["error"]]))
    except engine_error() as error:
        raise LaneUnavailable(_why(recipe, base, [*said, str(error)])) from error


def _order(recipe: Recipe, base: str) -> Mapping[str, object]:
    """What the engine is asked: no container of a step that failed or was broken off stays.

    The images of the steps before do, without a name; the reaper knows them by the builder's label.
    """
    return {
        "fileobj": io.BytesIO(recipe.context()),
        "custom_context": True,
        "tag": recipe.tag,
        "buildargs": {"BASE": base, "OWNER": builder_of(platform.node(), owner_of(os.getpid()))},
        "labels": {LABEL: recipe.digest},
        "rm": True,
        "forcerm": True,
        "decode": True,
        "timeout": BUILD_SECONDS,
    }


def _why(recipe: Recipe, base: str, said: list[str]) -> str:
    told = [line for line in said if _ERROR.match(line)] or said
    last = " ".join(" | ".join(told[-_LAST:]).split())[:_LONGEST]
    return f"the image {recipe.tag} cannot be built on {base}: {last}; {_REMEDY}"
