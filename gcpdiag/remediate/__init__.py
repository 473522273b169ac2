"""Guarded changes: a plan is a value, guards judge it, applying it is journalled, and every step has a way back."""
