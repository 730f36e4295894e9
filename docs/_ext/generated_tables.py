"""Sphinx directives that write parts of the guide from the code, so that it cannot fall behind.

What belongs here: `capability-table`, `case-table` and `command-help`. What does not: what they show; that is in
`virtproof_driver.capabilities`, the suite and the command line.
"""

import contextlib
import io
from collections.abc import Iterable, Sequence
from itertools import groupby

from docutils.nodes import Node, literal_block
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from virtproof.cli.arguments import parser
from virtproof.discovery import Found, found_cases
from virtproof_driver.capabilities import PROMISES


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def case_section(area: str, cases: Iterable[Found]) -> str:
    """The cases of one area under their heading."""
    rows = [(f"`{found.case.id}`", found.case.level, found.case.requirement, found.case.source) for found in cases]
    return f"## {area}\n\n{table(('case', 'level', 'requirement', 'source'), rows)}\n"


class CapabilityTable(SphinxDirective):
    """Every capability and what claiming it promises."""

    def run(self) -> list[Node]:
        rows = [(f"`{capability}`", promise) for capability, promise in PROMISES.items()]
        return self.parse_text_to_nodes(table(("capability", "promise"), rows))


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


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives."""
    app.add_directive("capability-table", CapabilityTable)
    app.add_directive("case-table", CaseTable)
    app.add_directive("command-help", CommandHelp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
