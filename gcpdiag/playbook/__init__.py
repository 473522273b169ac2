"""Playbooks: one YAML file a cause, with its tests inside. Reading and checking them; not weighing."""
