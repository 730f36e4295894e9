"""Sphinx directives that write parts of the guide from the code, so that it cannot fall behind.

What belongs here: `capability-table`, `case-table`, `command-help` and the parts of the table of events. What does not: what they
show; that is in `virtproof_driver.capabilities`, the suite, the command line and `virtproof.traces`.
"""

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Final

from docutils.nodes import Node, literal_block
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from virtproof.cli.arguments import parser
from virtproof.cli.events import read_table
from virtproof.discovery import Found, found_cases
from virtproof.traces import Table, page
from virtproof.traces.page import markdown_table
from virtproof_driver.capabilities import PROMISES

EVENTS: Final = "events.json"
"""The table of events in the guide's folder, as `virtproof events --out` writes it."""
EVENT_PARTS: Final[Mapping[str, Callable[[Table], str]]] = {
    "answers": page.answers_table,
    "situations": page.situations_tables,
    "varying": page.varying_list,
    "evidence": page.evidence_table,
}


def case_section(area: str, cases: Iterable[Found]) -> str:
    """The cases of one area under their heading."""
    rows = [(f"`{found.case.id}`", found.case.level, found.case.requirement, found.case.source) for found in cases]
    return f"## {area}\n\n{markdown_table(('case', 'level', 'requirement', 'source'), rows)}\n"


class CapabilityTable(SphinxDirective):
    """Every capability and what claiming it promises."""

    def run(self) -> list[Node]:
        rows = [(f"`{capability}`", promise) for capability, promise in PROMISES.items()]
        return self.parse_text_to_nodes(markdown_table(("capability", "promise"), rows))


class CaseTable(SphinxDirective):
    """Every case of the suite, by area."""

    def run(self) -> list[Node]:
        areas = groupby(found_cases(), key=lambda found: found.case.area)
        sections = [case_section(area, cases) for area, cases in areas]
        return self.parse_text_to_nodes("\n".join(sections), allow_section_headings=True)


class CommandHelp(SphinxDirective):
    """What `virtproof COMMAND --help` prints."""

    required_arguments = 1

    def run(self) -> list[Node]:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
            parser(mutants=True).parse_args([self.arguments[0], "--help"])
        return [literal_block(printed.getvalue(), printed.getvalue(), language="text")]


class EventTable(SphinxDirective):
    """One of `EVENT_PARTS` of the table of events."""

    required_arguments = 1

    def run(self) -> list[Node]:
        path = Path(self.env.srcdir) / EVENTS
        self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(EVENT_PARTS[self.arguments[0]](read_table(path)), allow_section_headings=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("capability-table", CapabilityTable)
    app.add_directive("case-table", CaseTable)
    app.add_directive("command-help", CommandHelp)
    app.add_directive("event-table", EventTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
