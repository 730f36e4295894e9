"""A minimal Debian to build on: a local image, else one from a registry, else one made by mmdebstrap.

What belongs here: finding or making it, in this order. What does not: what is built on it (`images`). A registry may be out of
reach, and then says so at once or never: the wait is bounded. mmdebstrap works in a folder of ours and ends when this process
does, so that a killed run leaves nothing that the next one does not find.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from virtproof.errors import LaneUnavailable
from virtproof.lanes.containers.engine import Engine, engine_error
from virtproof.lanes.containers.recipe import BASE_REPOSITORY, Recipe
from virtproof.lanes.folders import make_folder, remove_folder

PULL_SECONDS: Final = 60.0
MAKE_SECONDS: Final = 900.0
_OFFICIAL: Final = "debian"
_TOOLS: Final = ("mmdebstrap", "setpriv")

Say = Callable[[str], object]


def base_of(engine: Engine, recipe: Recipe, say: Say) -> str:
    """The name of a base image of the recipe's suite. Raises LaneUnavailable when there is no way to one."""
    slim = f"{recipe.suite}-slim"
    for name in (f"{_OFFICIAL}:{slim}", recipe.base):
        if has_image(engine, name):
            return name
    if _pulled(engine, slim):
        return f"{_OFFICIAL}:{slim}"
    say(f"no registry answers: making a base of Debian {recipe.suite} by mmdebstrap")
    _make(engine, recipe.suite)
    return recipe.base


def has_image(engine: Engine, name: str) -> bool:
    """Whether the engine has an image of the name."""
    try:
        engine.images.get(name)
    except engine_error():
        return False
    return True


def _pulled(engine: Engine, tag: str) -> bool:
    """Whether it could be pulled in time; a pull that hangs is left behind."""
    done: list[object] = []

    def pull() -> None:
        try:
            done.append(engine.images.pull(_OFFICIAL, tag=tag))
        except Exception:  # noqa: BLE001 - no registry, no such tag, no right to it: there is another way
            return

    thread = threading.Thread(target=pull, name="virtproof-pull", daemon=True)
    thread.start()
    thread.join(PULL_SECONDS)
    return bool(done)


def _make(engine: Engine, suite: str) -> None:
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        problem = f"there is no image {_OFFICIAL}:{suite}-slim, no registry answers, and {missing[0]} is not installed"
        raise LaneUnavailable(f"{problem}; install it (on Debian: apt-get install mmdebstrap), or load that image")
    folder = make_folder()
    try:
        archive = folder / "base.tar"
        _bootstrap(suite, archive)
        engine.api.import_image(str(archive), repository=BASE_REPOSITORY, tag=suite)
    finally:
        remove_folder(folder)


def _bootstrap(suite: str, archive: Path) -> None:
    """Write a minimal system; mmdebstrap gets SIGTERM, on which it cleans up, when this process ends in whatever way."""
    command = ["setpriv", "--pdeathsig", "TERM", "mmdebstrap", "--quiet", "--variant=minbase"]
    command += ['--aptopt=Acquire::Check-Valid-Until "false"', suite, str(archive)]
    log = archive.with_name("log")
    with log.open("wb") as output:
        try:
            environment = {**os.environ, "TMPDIR": str(archive.parent)}
            subprocess.run(command, check=True, stdout=output, stderr=output, env=environment, timeout=MAKE_SECONDS)
        except (subprocess.SubprocessError, OSError) as error:
            raise LaneUnavailable(_why(suite, log, error)) from error


def _why(suite: str, log: Path, error: Exception) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    said = next((line for line in reversed(lines) if line.startswith("E:")), lines[-1] if lines else str(error))
    return f"mmdebstrap made no Debian {suite}: {said.strip()}; try it by hand: mmdebstrap --variant=minbase {suite} base.tar"
