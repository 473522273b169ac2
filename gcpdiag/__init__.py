"""Diagnose Cloud Run incidents: from Google's own answers to ranked root causes."""

__version__ = "0.1.0"
