"""What every test shares: how hypothesis looks for counterexamples."""

import os

from hypothesis import settings

# The same examples on every run and no deadline: a slow or busy machine must not turn a true law red.
settings.register_profile("ci", derandomize=True, deadline=None)
# At a desk new examples every time, for as long as each takes.
settings.register_profile("desk", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
