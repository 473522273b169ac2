"""Recovery, verified: probes of what users and services reach, and criteria that say whether it is over."""
