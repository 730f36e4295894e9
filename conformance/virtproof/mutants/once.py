"""One run against one mutant, in a process of its own, because a wrong backend changes libvirt-python's classes.

What belongs here: the process's main. What does not: which mutants there are (`catalogue`), and how many at a time (`runner`).
`python -m virtproof.mutants.once NAME DIRECTORY`; the name `control` runs every catcher of a backend unmutated.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from virtproof.cli.stored import conclude, keep_backends
from virtproof.lanes.bare import bare_binding
from virtproof.mutants.catalogue import MUTANTS
from virtproof.mutants.model import Mutant, Wrong
from virtproof.options import REFERENCE_DRIVER, Options
from virtproof.recording.loading import load_driver
from virtproof.report import write_report
from virtproof.runner import RunOptions, run
from virtproof.runs import read

CONTROL: Final = "control"


def main(argv: Sequence[str]) -> int:
    """Run and leave a report; 0 when there is one, whatever it says."""
    name, directory = argv
    out = Path(directory).resolve()
    options = _control(name, out) if name.startswith(CONTROL) else _against(_named(name), out)
    with (out / "progress.log").open("w", encoding="utf-8") as progress:
        run(options, progress)
    keep_backends(read(out), out)
    report, records, _ = conclude(out)
    write_report(report, records, out)
    return 0


def _against(mutant: Mutant, out: Path) -> RunOptions:
    """The options of the run; a wrong backend is in place from now on."""
    driver = mutant.factory if mutant.wrong is Wrong.DRIVER else REFERENCE_DRIVER
    if mutant.wrong is Wrong.BACKEND:
        load_driver(mutant.factory)(bare_binding())
    session = Options(backends=(mutant.backend,), driver=driver, out=out)
    return RunOptions(session=session, out=out, keyword=expression((mutant.catcher,)))


def _control(name: str, out: Path) -> RunOptions:
    """`control:BACKEND`: the catchers of all mutants there, against the real thing."""
    backend = name.partition(":")[2]
    catchers = sorted({mutant.catcher for mutant in MUTANTS if mutant.backend == backend})
    return RunOptions(session=Options(backends=(backend,), out=out), out=out, keyword=expression(catchers))


def expression(ids: Iterable[str]) -> str:
    """The `-k` of pytest for these ids; it matches parts of names, so that a few others may run as well."""
    return " or ".join(ids)


def _named(name: str) -> Mutant:
    return next(mutant for mutant in MUTANTS if mutant.name == name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
