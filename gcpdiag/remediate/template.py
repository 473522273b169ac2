"""A template for one more revision: the same code, whatever its tag means by now, under a new name.

A new revision resolves the tag of its image again, and may so run other code than the one that serves. gcloud pins the
image by its digest whenever none is given (``_EnsureImageDigest``), and so does every step here that makes a revision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gcpdiag.model.json import Json, JsonObject, object_at, objects_at, text_at
from gcpdiag.model.resource import last_segment

_CONTAINERS, _REVISION = "template.containers", "template.revision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The service with a template for one more revision, the mask of what that changed, and tags that stay unpinned."""

    service: JsonObject
    mask: tuple[str, ...]
    loose_images: tuple[str, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        """One for each image whose digest nobody knows."""
        return tuple(
            f"The digest of {one} is not known: the new revision resolves the tag anew, and may run other code."
            for one in self.loose_images
        )


def renewed(service: JsonObject, revisions: Sequence[JsonObject]) -> Renewal:
    """Return the service with its images pinned to what its newest revision runs, and no name for the next revision."""
    newest = _newest(service, revisions)
    containers = objects_at(service, _CONTAINERS)
    pinned = [_pinned(place, one, newest) for place, one in enumerate(containers)]
    template = {key: value for key, value in object_at(service, "template").items() if key != "revision"}
    mask = []
    if pinned != containers:
        kept: list[Json] = [*pinned]
        template["containers"] = kept
        mask.append(_CONTAINERS)
    if text_at(service, _REVISION):
        mask.append(_REVISION)
    loose = tuple(image for one in pinned if not is_pinned(image := text_at(one, "image")))
    return Renewal(service={**service, "template": template}, mask=tuple(mask), loose_images=loose)


def is_pinned(image: str) -> bool:
    """Tell whether an image is named by its digest."""
    return "@sha256:" in image


def repository_of(image: str) -> str:
    """Return an image without its tag and digest: ``gcr.io/p/api:v2`` gives ``gcr.io/p/api``."""
    path = image.split("@", 1)[0]
    head, slash, tail = path.rpartition("/")
    return f"{head}{slash}{tail.split(':', 1)[0]}"


def ingress_of(containers: Sequence[JsonObject]) -> int:
    """Return the place of the container that gets the requests: the one with a port, or the first."""
    return next((place for place, one in enumerate(containers) if one.get("ports")), 0)


def _newest(service: JsonObject, revisions: Sequence[JsonObject]) -> JsonObject:
    """Return the revision that the template has made, or an empty document when it is not among these."""
    name = last_segment(text_at(service, "latestCreatedRevision"))
    return next((one for one in revisions if last_segment(text_at(one, "name")) == name and name), {})


def _pinned(place: int, container: JsonObject, revision: JsonObject) -> JsonObject:
    image = text_at(container, "image")
    running = objects_at(revision, "containers")
    same = place < len(running) and text_at(running[place], "image") == image
    if is_pinned(image) or not same:
        return container
    # The field may hold the digest alone or the whole image with it; which one v2 answers is unverified.
    digest = _digest(place, text_at(container, "name"), objects_at(revision, "containerStatuses")).rpartition("@")[2]
    return {**container, "image": f"{repository_of(image)}@{digest}"} if digest.startswith("sha256:") else container


def _digest(place: int, name: str, statuses: Sequence[JsonObject]) -> str:
    named = next((one for one in statuses if name and text_at(one, "name") == name), None)
    if named is None and place < len(statuses) and not text_at(statuses[place], "name"):
        named = statuses[place]
    return text_at(named, "imageDigest")
