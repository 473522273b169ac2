"""Filling a bundle from a live project: which questions to ask, side by side, within limits and a deadline."""
