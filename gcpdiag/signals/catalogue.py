"""The signals there are: read from YAML, checked, and ready to be looked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import yaml

from gcpdiag.errors import PlaybookError
from gcpdiag.model.json import Json
from gcpdiag.signals.definition import ChangeSignal, ConfigurationSignal, LogSignal, ProbeSignal, SignalDefinition
from gcpdiag.signals.matcher import SignatureSet, check_patterns

_Loader: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Json:
    """Return one YAML document of plain values; yaml.YAMLError for anything else (tags make no objects)."""
    document: Json = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader in both cases
    return document


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All signals by id, with the log signatures compiled into sets."""

    definitions: Mapping[str, SignalDefinition]
    alarming: SignatureSet
    quiet: SignatureSet

    def logs(self) -> Iterator[tuple[str, LogSignal]]:
        """Yield the signals that are read out of log entries."""
        for signal_id, definition in self.definitions.items():
            if isinstance(definition, LogSignal):
                yield signal_id, definition

    def log(self, signal_id: str) -> LogSignal:
        """Return a log signal that is known to be one."""
        definition = self.definitions[signal_id]
        if not isinstance(definition, LogSignal):
            raise TypeError(f"{signal_id} is no log signal")
        return definition


def catalogue_of(definitions: Mapping[str, SignalDefinition]) -> Catalogue:
    """Return the catalogue of these definitions; PlaybookError when a pattern is not RE2."""
    logs = {key: one for key, one in sorted(definitions.items()) if isinstance(one, LogSignal)}
    for key, definition in definitions.items():
        check_patterns(key, _lone_patterns(definition))
    return Catalogue(
        definitions=dict(sorted(definitions.items())),
        alarming=SignatureSet({key: one.any for key, one in logs.items()}),
        quiet=SignatureSet({key: one.any for key, one in logs.items() if one.severity == "quiet"}),
    )


def _lone_patterns(definition: SignalDefinition) -> list[str]:
    """Return the patterns of a signal that are matched one by one, outside the sets."""
    match definition:
        case LogSignal(unless=unless):
            return unless
        case ChangeSignal(methods=methods):
            return methods
        case ProbeSignal(any=patterns):
            return patterns
        case ConfigurationSignal(matches=matches) if matches:
            return [matches]
        case _:
            return []


def load_signals(root: Path) -> dict[str, SignalDefinition]:
    """Return the shared signals in ``signals/*.yaml`` below a playbook directory; PlaybookError names the file."""
    found: dict[str, SignalDefinition] = {}
    for path in sorted((root / "signals").glob("*.yaml")):
        try:
            document = load_yaml(path.read_text(encoding="utf-8"))
            signals = parse_signals(document)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise PlaybookError(f"{path} is not a signal file", cause=str(error)) from error
        if doubled := sorted(found.keys() & signals.keys()):
            raise PlaybookError(f"{path}: signal {doubled[0]} is defined twice")
        found |= signals
    return found


def parse_signals(document: Json) -> dict[str, SignalDefinition]:
    """Return definitions by id; ValueError says what is wrong with one. Patterns are not compiled yet."""
    if document is None:
        return {}
    return msgspec.convert(document, dict[str, SignalDefinition])
