"""The first draft of a new playbook: it passes lint and its own tests, and waits to be made true."""

from __future__ import annotations

from pathlib import Path

from gcpdiag.errors import UsageError
from gcpdiag.playbook.lint_cause import ID_FORM

_TEMPLATE = """\
# Replace every text in CAPITALS, then run `gcpdiag playbook lint` and `gcpdiag playbook test`.
id: @ID@
title: WHAT IS WRONG, IN A FEW WORDS
summary: "{service} WHAT USERS SEE, AND WHY"
explanation: |
  HOW THIS COMES ABOUT, AND WHAT TELLS IT FROM ITS LOOK-ALIKES.
prior: rare
findings:
  - {signal: @SIGNAL@, likelihood: always, specific: true}
look_alikes: []
remediation:
  - command: "gcloud run services describe {service} --region={region} --project={project}"
    risk: low
    why: WHAT THIS CHANGES, AND WHAT TO WATCH
verification:
  - WHAT IS SEEN WHEN IT IS OVER
signals:
  @SIGNAL@:
    detector: log
    title: WHAT THE LOGS SAY
    absent: WHAT TO SAY WHEN THEY DO NOT
    logs: [app]
    any: ['THE TEXT THAT ONLY THIS CAUSE WRITES']
    leak: 0.01
---
test: it fires
traffic:
  - {end: +20m}
  - {start: +20m, status: 503}
entries:
  - {log: stderr, at: +20m, times: 60, text: THE TEXT THAT ONLY THIS CAUSE WRITES}
expect:
  status: incident
  first: @ID@
---
test: its nearest look-alike does not make it fire
traffic:
  - {end: +20m}
  - {start: +20m, status: 503}
entries:
  - {log: stderr, at: +20m, times: 60, text: ANOTHER TEXT}
expect:
  unnamed: [@ID@]
---
test: without logs it is not ruled out
denied: [logging.entries, monitoring.time_series]
expect:
  status: inconclusive
  unnamed: [@ID@]
  gaps: [logging.entries]
"""


def template_of(cause_id: str) -> str:
    """Return the text of a new playbook; UsageError for an id that is not ``category/cause``."""
    if not ID_FORM.fullmatch(cause_id):
        raise UsageError(f"{cause_id!r} is no cause id", hint="Write it as category/cause, in lower case with hyphens")
    return _TEMPLATE.replace("@ID@", cause_id).replace("@SIGNAL@", f"{cause_id.replace('/', '-')}-text")


def path_of(cause_id: str, root: Path) -> Path:
    """Return the file in which a cause belongs."""
    return root / f"{cause_id}.yaml"
