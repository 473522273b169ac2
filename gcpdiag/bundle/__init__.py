"""Incident bundles (contract section 2): what Google said of one project and window, on disk or in memory."""
