"""Incident bundles (contract section 2): Google's answers about one project and window, on disk or in memory."""
