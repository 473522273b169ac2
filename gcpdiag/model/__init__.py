"""Frozen values with precise names; they know nothing of files, Google or terminals."""
