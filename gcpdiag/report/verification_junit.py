"""A verification for CI, as JUnit's XML: a test case each criterion."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from gcpdiag.model.verification import Criterion, Verification
from gcpdiag.model.window import rfc3339
from gcpdiag.report.wording import plain


def render_verification_junit(verification: Verification) -> str:
    """Return the document; not met is a failure, too early and not looked at are skipped, each with its text."""
    skipped = verification.counted("too early") + verification.counted("unknown")
    head = (
        f'<testsuite name="gcpdiag verify" tests="{len(verification.criteria)}"'
        f' failures="{verification.counted("not met")}" errors="0" skipped="{skipped}"'
        f' timestamp="{rfc3339(verification.at).removesuffix("Z")}">'
    )
    cases = [line for one in verification.criteria for line in _case(one)]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", head, *cases, "</testsuite>", "</testsuites>"]
    return "\n".join(lines) + "\n"


def _case(criterion: Criterion) -> list[str]:
    name = _attribute(f"{criterion.title}: {criterion.subject}")
    head = f"<testcase classname={_attribute(f'gcpdiag.verify.{criterion.group}')} name={name}"
    text = plain(criterion.text)
    if criterion.verdict == "met":
        return [f"{head}><system-out>{_content(text)}</system-out></testcase>"]
    if criterion.verdict == "not met":
        inside = f"<failure message={_attribute(text)}>{_content(text)}</failure>"
    else:
        inside = f"<skipped message={_attribute(f'{criterion.verdict}: {text}')}/>"
    return [f"{head}>{inside}</testcase>"]


def _attribute(text: str) -> str:
    return quoteattr(plain(text))


def _content(text: str) -> str:
    return escape(plain(text))
