"""The report for a ticket, read back by a Markdown parser."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gcpdiag.report.escape import escaped, fenced
from gcpdiag.report.to_markdown import render_markdown
from gcpdiag.report.wording import plain
from tests.report.hostile import HOSTILE, telling
from tests.report.samples import healthy, incident, inconclusive
from tests.report.scene import GRANT, LINK, ROLLBACK

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
BREAK = "\u200b"
MARKUP = st.text(alphabet=st.sampled_from("ab1 _*`~|\\<>&[]()!#@$%^+-=.:/wWgGhH"))


def shown(markdown: str) -> str:
    """Return what a reader sees of one paragraph; the parser spells a quotation mark as an entity."""
    inline = PARSER.parse(markdown)[1]
    assert {one.type for one in inline.children or ()} <= {"text", "text_special"}, markdown
    return "".join(one.content for one in inline.children or ()).replace(BREAK, "")


@given(MARKUP | st.text())
@example("1. item")
@example("# heading")
@example("a | b")
@example("---")
def test_a_ticket_shows_what_the_log_says_and_nothing_of_it_styles(text: str) -> None:
    assert shown(escaped(plain(text))) == plain(text)


@given(MARKUP | st.text())
def test_no_text_leaves_a_raw_angle_bracket(text: str) -> None:
    assert "<" not in render_markdown(telling(text))


@given(MARKUP | st.text())
@example(HOSTILE)
def test_no_text_becomes_a_link_an_image_or_a_tag(text: str) -> None:
    rendered = PARSER.render(render_markdown(telling(text)))
    assert not re.search(r"<(a|img|em|del|code class)\b", rendered.replace('<a href="https://console', ""))


@given(MARKUP | st.text())
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    calm = PARSER.render(render_markdown(telling("calm")))
    assert PARSER.render(render_markdown(telling(text))).count("<td") == calm.count("<td")


@pytest.mark.parametrize("text", ["@oncall", "see #12", "GH-12", "!12", "https://evil.example", "www.evil.example"])
def test_what_a_site_would_link_after_rendering_is_broken_up(text: str) -> None:
    assert BREAK in escaped(text)


def test_names_stay_readable_in_the_raw_ticket() -> None:
    assert escaped("api-00041-kow of staging_db at 10.0.0.3:5432") == "api-00041-kow of staging_db at 10.0.0.3:5432"


def test_a_command_that_holds_backticks_stays_inside_of_its_fence() -> None:
    assert fenced("echo ```") == "````sh\necho ```\n````"


@pytest.mark.parametrize("command", [ROLLBACK, GRANT])
def test_commands_are_fenced_as_they_are(command: str) -> None:
    fences = [one for one in PARSER.parse(render_markdown(incident())) if one.type == "fence"]
    assert f"{command}\n" in {one.content for one in fences}


def test_evidence_has_its_weight_and_a_link_to_the_records() -> None:
    row = next(one for one in render_markdown(incident()).splitlines() if one.startswith("| +9.1 dB |"))
    assert row.startswith("| +9.1 dB | **the proxy cannot dial out**: 412 × in api")
    assert row.endswith(f"connect: connection timed out ([open]({LINK})) | since 20:03:08 |")


def test_verification_is_a_checklist() -> None:
    assert "- [ ] the WebSocket handshake succeeds" in render_markdown(incident())


def test_an_inconclusive_ticket_has_candidates_and_the_next_check() -> None:
    markdown = render_markdown(inconclusive())
    assert markdown.startswith("## Inconclusive: demo-staging")
    assert "### Next check" in markdown
    assert "### Root cause" not in markdown


def test_a_healthy_ticket_is_short() -> None:
    headings = re.findall(r"^#+ .*", render_markdown(healthy()), re.MULTILINE)
    assert headings == ["## Healthy: demo-staging", "### Services"]


def test_two_renderings_are_the_same_to_the_byte() -> None:
    assert render_markdown(incident()) == render_markdown(incident())
