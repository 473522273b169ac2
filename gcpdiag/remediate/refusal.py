"""Why there is no plan, or why one cannot be used; nothing was changed."""

from __future__ import annotations

from gcpdiag.errors import GcpdiagError


class RefusedError(GcpdiagError):
    """The change would not help, or would harm; the hint names the way."""

    exit_code = 4


class PlanError(RefusedError):
    """A plan document was edited or damaged, or is of a kind that this version does not know."""


class NothingToDoError(GcpdiagError):
    """The service is already as it is wanted."""

    exit_code = 0
