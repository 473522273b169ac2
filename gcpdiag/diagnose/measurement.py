"""What labelled bundles tell about playbooks: which signals are there, and how sure causes were named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gcpdiag.bundle.read import Bundle, bundle_of, load_bundle
from gcpdiag.diagnose.ablation import in_memory, sources_in, without_source
from gcpdiag.diagnose.engine import diagnose
from gcpdiag.diagnose.label import Label, label_of
from gcpdiag.diagnose.likelihood import (
    MeasuredLeak,
    MeasuredLikelihood,
    Sighting,
    measured_leaks,
    measured_likelihoods,
    sighting_of,
)
from gcpdiag.diagnose.reliability import Claim
from gcpdiag.diagnose.score import answer_of, claims_of
from gcpdiag.diagnose.temperature import TemperatureFit, WeighedClaim, fit_temperature, fold_names
from gcpdiag.playbook.load import Library
from gcpdiag.signals.observation import observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One labelled bundle: its signals, and the causes named in it whole and with each source missing in turn."""

    path: Path
    sighting: Sighting
    whole: tuple[Claim, ...]
    ablated: tuple[Claim, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that can be said of the playbooks' numbers from some labelled bundles."""

    bundles: int
    likelihoods: tuple[MeasuredLikelihood, ...]
    leaks: tuple[MeasuredLeak, ...]
    temperature: TemperatureFit | None

    @property
    def proposals(self) -> tuple[MeasuredLikelihood, ...]:
        """The likelihoods for which another word is proposed."""
        return tuple(one for one in self.likelihoods if one.proposal)


def measure_bundle(path: Path, library: Library) -> Measurement:
    """Measure a labelled bundle; BundleError when its label is not as it should be."""
    loaded = load_bundle(path)
    label = label_of(loaded, path)
    files = in_memory(loaded)
    less = (without_source(files, source) for source in sources_in(loaded))
    return Measurement(
        path=path,
        sighting=sighting_of(observe(bundle_of(files), library.catalogue), label),
        whole=tuple(_claims(bundle_of(files), label, library)),
        ablated=tuple(claim for one in less for claim in _claims(one, label, library)),
    )


def measured_of(measurements: Sequence[Measurement], library: Library) -> Measured:
    """Return what these bundles say of the library's words, leaks and temperature, whatever their order."""
    ordered = sorted(measurements, key=lambda one: one.path)
    sightings = [one.sighting for one in ordered]
    return Measured(
        bundles=len(ordered),
        likelihoods=tuple(measured_likelihoods(sightings, library)),
        leaks=tuple(measured_leaks(sightings, library)),
        temperature=fit_temperature(_weighed(ordered)),
    )


def _claims(bundle: Bundle, label: Label, library: Library) -> list[Claim]:
    return claims_of(label, answer_of(diagnose(bundle, library, temperature=1.0)))


def _weighed(measurements: Sequence[Measurement]) -> list[WeighedClaim]:
    """Weigh a bundle's ablations together as much as the bundle itself, however many sources it has."""
    folds = fold_names([one.path.parent.as_posix() for one in measurements])
    return [
        WeighedClaim(probability=probability, is_true=is_true, weight=1 / len(claims), fold=fold)
        for one, fold in zip(measurements, folds, strict=True)
        for claims in (one.whole, one.ablated)
        for probability, is_true in claims
    ]
