"""Signals: what to look for in a bundle, and how a finding is read out of it. Nothing here knows of causes."""
