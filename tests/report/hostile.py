"""A diagnosis with words of somebody else's making in it, and words that mean harm."""

from __future__ import annotations

from dataclasses import replace

from gcpdiag.model.diagnosis import (
    Diagnosis,
    RuledOut,
    ServiceState,
    Suspect,
    TimelineEvent,
    UnexplainedError,
)
from gcpdiag.model.finding import Gap
from gcpdiag.model.resource import ServiceRef
from tests.report.samples import egress_blocked, incident, weight
from tests.report.scene import API, EGRESS, POOL, at

HOSTILE = (
    "# \x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07click\x07 [bold]b[/bold]"
    " [link=https://evil.example]x <img src=x onerror=alert(1)> ![i](https://evil.example/i.png)"
    " [t](javascript:alert(1)) | `code` *em* __st__"
    " @oncall #12 https://evil.example www.evil.example a@evil.example \u202egnp \u2028# heading\r\n- item"
    " password=hunter2hunter2"
)


def telling(text: str) -> Diagnosis:
    """Return the incident with a text of somebody else's making wherever logs and APIs have a say."""
    line = weight("proxy-dial-timeout", 9.1, text, count=3, link=text)
    cause = replace(
        egress_blocked(),
        summary=text,
        resource=text,
        service=ServiceRef(name=text, region=text),
        evidence=(line,),
        contradicting=(replace(line, decibans=-1.0),),
        mistaken_for=(RuledOut(id=POOL, reason=text),),
        remediation=(),
    )
    return replace(
        incident(),
        project=text,
        summary=text,
        services=(ServiceState(service=ServiceRef(name=text, region=text), health="unknown"),),
        root_causes=(cause,),
        contributing=(replace(cause, because_of=EGRESS),),
        warnings=(cause,),
        ruled_out=(RuledOut(id=POOL, reason=text),),
        suspects=(Suspect(category="vpc-connector", verdict="no sign", reason=text),),
        gaps=(Gap(check=text, reason=text, source="logging.entries"),),
        timeline=(TimelineEvent(at=at(20, 3), kind="change", text=text),),
        unexplained=(UnexplainedError(template=text, count=2, first_at=at(20, 3), service=API),),
        next_check=text,
        problems=(text,),
    )
