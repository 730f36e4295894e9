"""Judges: pure functions from evidence to violations, one module a question."""

from virtproof.judges.facts import Facts, facts_of
from virtproof.judges.panel import judge_case
from virtproof.judges.rules import RULES

__all__ = ["RULES", "Facts", "facts_of", "judge_case"]
