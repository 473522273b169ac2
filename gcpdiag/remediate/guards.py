"""The closed set of guards; docs/guards.md has a section on each."""

from __future__ import annotations

from gcpdiag.remediate.guard import Registry
from gcpdiag.remediate.guard_cause import CAUSE_GUARDS
from gcpdiag.remediate.guard_policy import POLICY_GUARDS
from gcpdiag.remediate.guard_target import TARGET_GUARDS

GUARDS = Registry(guards=(*TARGET_GUARDS, *POLICY_GUARDS, *CAUSE_GUARDS))
"""Every guard there is, in the order to print."""
