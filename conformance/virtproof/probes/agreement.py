"""Whether manifest, driver and host agree on a capability: the rule of the cases `manifest.<capability>`.

What belongs here: the rule, over values. What does not: asking (`model`). For the reference driver the manifest is the claim: it
may not claim less. A foreign driver may leave out what it does not claim, but what it leaves out must refuse.
"""

from dataclasses import dataclass

from virtproof.probes.model import Answer, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is known of one capability on one lane. `declared` is the manifest's word, `reference` says whose driver answered."""

    declared: bool
    claimed: bool
    reference: bool
    driver: Outcome
    libvirt: Outcome | None


def disagreement(finding: Finding) -> str:
    """What does not agree, as a sentence with the remedy; empty when all do."""
    if not finding.declared:
        return _against_unsupported(finding)
    if finding.claimed or finding.reference:
        works = finding.driver.answer is Answer.WORKS
        return "" if works else _said("declared supported", finding.driver, "declare it unsupported, or mend it")
    refused = finding.driver.answer is Answer.REFUSED
    return "" if refused else _said("the driver does not claim it", finding.driver, "claim it, or refuse it")


def _against_unsupported(finding: Finding) -> str:
    if finding.driver.answer is not Answer.REFUSED:
        return _said("declared unsupported", finding.driver, "remove it from [unsupported], or let the driver refuse it")
    if finding.libvirt is not None and finding.libvirt.answer is Answer.WORKS:
        return "declared unsupported, but libvirt does it when it is asked past the driver; remove it from [unsupported]"
    return ""


def _said(claim: str, outcome: Outcome, remedy: str) -> str:
    told = f" ({outcome.detail})" if outcome.detail else ""
    return f"{claim}, but the probe found that it {_FOUND[outcome.answer]}{told}; {remedy}"


_FOUND = {Answer.WORKS: "works", Answer.REFUSED: "is refused", Answer.BROKEN: "is broken"}
