"""What lint says of signals that are read out of probes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gcpdiag.playbook.lint import lint_library


@pytest.mark.parametrize(
    "fields,rule,words",
    [
        ("kinds: []\n  failed: [tcp]", "blind-detector", "`kinds` is empty"),
        ("kinds: [redis]", "blind-detector", "give `failed` or `slower_than_ms`"),
        ("kinds: [redis]\n  any: [full]\n  slower_than_ms: 5", "blind-detector", "no stage is named"),
        ("kinds: [redis]\n  failed: [tcp]\n  any: ['(?=x)']", "bad-pattern", "not an RE2 pattern"),
        ("kinds: [redis]\n  failed: [tcp]\n  any: ['.*']", "greedy-pattern", "matches"),
        ("kinds: [redis]\n  slower_than_ms: 0", "number-range", "'slower_than_ms'"),
        ("kinds: [gopher]\n  failed: [tcp]", "", "gopher"),
        ("kinds: [redis]\n  failed: [moon]", "", "moon"),
    ],
)
def test_a_probe_signal_that_can_say_nothing_is_named(tmp_path: Path, fields: str, rule: str, words: str) -> None:
    (tmp_path / "signals").mkdir()
    (tmp_path / "signals" / "probe.yaml").write_text(f"x:\n  detector: probe\n  title: a probe\n  {fields}\n")
    complaints = [one for one in lint_library([tmp_path]) if words in one.text]

    assert complaints
    assert not rule or complaints[0].rule == rule
