"""The resources of one Bundle and how they refer to each other: which belong to an Encounter, which to a decedent's case."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from spikewatch.ingest.domain.feeds.fhir.element import Element

__all__ = ["CASE_CODES", "MOST_RESOURCES", "Belongings", "Group", "Resource", "belongings", "kind_of", "member"]

MOST_RESOURCES: Final = 2_000
"""So many belong to one record at most."""

CASE_CODES: Final = ("81956-5", "69449-7", "69453-9", "69441-6", "11374-6", "80356-9", "80357-7", "80358-5", "80359-3")
"""LOINC codes of the Observations of a decedent's case: date, manner, causes (part 1 and 2), injury, coded causes."""

_SHARED: Final = frozenset({"Patient", "Location", "Organization", "Practitioner", "PractitionerRole", "Medication"})
_MOST_INSPECTED: Final = 100  # repeats of an element that are looked at for references; what is wrong is told on reading


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, where it stands, and the URL it goes by."""

    kind: str
    element: Element
    line: int
    url: str | None = None

    def entry(self) -> dict[str, object]:
        """Return it as a Bundle's entry."""
        return ({} if self.url is None else {"fullUrl": self.url}) | {"resource": self.element.value}


@dataclass(slots=True)
class Group:
    """Resources that may refer to each other: of one Bundle, or of all lines of an export."""

    resources: list[Resource] = field(default_factory=list)
    timestamp: object = None
    _by_reference: dict[str, Resource] = field(default_factory=dict)

    def add(self, resource: Resource) -> None:
        """Take a resource in."""
        self.resources.append(resource)
        identity = member(resource.element.value, "id")
        for reference in (resource.url, f"{resource.kind}/{identity}" if isinstance(identity, str) else None):
            if reference is not None:
                self._by_reference.setdefault(reference, resource)

    def find(self, reference: object) -> Resource | None:
        """Return the resource that a reference names: by its URL, by Type/id, with or without a version."""
        if not isinstance(reference, str):
            return None
        plain = reference.partition("/_history/")[0]
        # An absolute URL of a server that the Bundle does not name ends in Type/id all the same.
        return self._by_reference.get(plain) or self._by_reference.get("/".join(plain.rsplit("/", 2)[-2:]))

    def only_patient(self) -> Resource | None:
        """Return the Patient where there is but one."""
        everyone = [resource for resource in self.resources if resource.kind == "Patient"]
        return everyone[0] if len(everyone) == 1 else None


@dataclass(frozen=True, slots=True)
class Belongings:
    """One record: its root, what belongs to it, and how its references are followed."""

    root: Resource
    others: tuple[Resource, ...]
    group: Group

    def of_kind(self, kind: str) -> Iterator[Element]:
        """Yield the resources of a kind, those that others contain too."""
        for resource in (self.root, *self.others):
            if resource.kind == kind:
                yield resource.element
            yield from (inside for inside in _contained(resource.element) if kind_of(inside.value) == kind)

    def follow(self, reference: Element, owner: Element) -> Element | None:
        """Return the resource that a Reference of ``owner`` means, if it came along."""
        target = member(reference.value, "reference")
        if isinstance(target, str) and target.startswith("#"):
            return next((inside for inside in _contained(owner) if member(inside.value, "id") == target[1:]), None)
        found = self.group.find(target)
        return None if found is None else found.element

    def bundle(self) -> dict[str, object]:
        """Return the record as a Bundle of its own."""
        alone: dict[str, object] = {"resourceType": "Bundle", "type": "collection"}
        if isinstance(self.group.timestamp, str):
            alone["timestamp"] = self.group.timestamp
        return alone | {"entry": [resource.entry() for resource in (self.root, *self.others)]}


def belongings(group: Group) -> Iterator[Belongings]:
    """Yield each Encounter and each decedent's case of a group with what belongs to it."""
    sorting = _Sorting(group)
    cases = set(sorting.cases)
    for encounter in sorting.encounters:
        subject = sorting.subjects[id(encounter)]
        # What names no visit belongs to the only visit of its person; with several it belongs to none.
        loose = sorting.of_subject.get(subject, []) if sorting.visits[subject] == 1 and subject not in cases else []
        others = [*_named_by(encounter, group), *sorting.of_encounter[id(encounter)], *loose]
        yield _gathered(encounter, others, sorting.patients.get(subject), group)
    for subject, root in sorting.cases.items():
        others = [resource for resource in sorting.of_subject[subject] if resource is not root]
        if len(cases) == 1:
            others += [resource for resource in group.resources if resource.kind == "Location" and _is_place_of_death(resource)]
        yield _gathered(root, others, sorting.patients.get(subject), group)


class _Sorting:
    """The resources of a group by the visit and by the person that they are about."""

    def __init__(self, group: Group) -> None:
        self.encounters = [resource for resource in group.resources if resource.kind == "Encounter"]
        self.of_encounter: dict[int, list[Resource]] = {id(encounter): [] for encounter in self.encounters}
        self.subjects: dict[int, str] = {}
        self.visits: dict[str, int] = {}
        self.of_subject: dict[str, list[Resource]] = {}
        self.patients: dict[str, Resource] = {}
        self.cases: dict[str, Resource] = {}  # by person: the resource that the case goes by
        self._group = group
        self._only = group.only_patient()
        for resource in group.resources:
            if resource.kind not in _SHARED:
                self._sort(resource)

    def _sort(self, resource: Resource) -> None:
        subject = self._subject(resource)
        if resource.kind == "Encounter":
            self.subjects[id(resource)] = subject
            self.visits[subject] = self.visits.get(subject, 0) + 1
            return
        value = resource.element.value
        visit = self._group.find(member(member(value, "encounter") or member(value, "context"), "reference"))
        if visit is not None and id(visit) in self.of_encounter:
            self.of_encounter[id(visit)].append(resource)
            return
        self.of_subject.setdefault(subject, []).append(resource)
        rank = _rank(resource)
        if rank and (subject not in self.cases or rank < _rank(self.cases[subject])):
            self.cases[subject] = resource

    def _subject(self, resource: Resource) -> str:
        value = resource.element.value
        reference = member(member(value, "subject") or member(value, "patient"), "reference")
        target = self._only if reference is None else self._group.find(reference)
        key = f"#{id(target)}" if target is not None else reference if isinstance(reference, str) else ""
        if target is not None and target.kind == "Patient":
            self.patients[key] = target
        return key


def _rank(resource: Resource) -> int:
    """Return 0 for a resource that makes no case; of those that do, the lowest is what the case goes by."""
    if resource.kind not in {"Observation", "DiagnosticReport", "Composition"}:
        return 0
    value = resource.element.value
    profiles = _profiles(value)
    if resource.kind != "Observation":
        has_number = any(str(member(part, "url")).endswith("Extension-tracking-number") for part in _inspected(member(value, "extension")))
        is_case = has_number or any("/us/mdi/" in name or "/us/vrdr/" in name for name in profiles)
        return (1 if resource.kind == "Composition" else 2) if is_case else 0
    stated = [member(coding, "code") for coding in _inspected(member(member(value, "code"), "coding"))]
    places = [CASE_CODES.index(code) for code in stated if isinstance(code, str) and code in CASE_CODES]
    if places:
        return 3 + min(places)
    return 99 if any("/us/mdi/" in name or "/us/vrdr/" in name for name in profiles) else 0


def _gathered(root: Resource, others: list[Resource], patient: Resource | None, group: Group) -> Belongings:
    found = {id(root): root}
    for resource in [*([patient] if patient else []), *others][: MOST_RESOURCES + 1]:
        found.setdefault(id(resource), resource)
    for resource in list(found.values()):
        for target in _led_to(resource, group):
            found.setdefault(id(target), target)
    return Belongings(root, tuple(list(found.values())[1:]), group)


def _named_by(encounter: Resource, group: Group) -> Iterator[Resource]:
    """Yield the Conditions that an Encounter itself names as its diagnoses and reasons."""
    value = encounter.element.value
    for name, inner in (("diagnosis", "condition"), ("reasonReference", None)):
        for part in _inspected(member(value, name)):
            target = group.find(member(member(part, inner) if inner else part, "reference"))
            if target is not None and target.kind in {"Condition", "Observation"}:
                yield target


def _led_to(resource: Resource, group: Group) -> Iterator[Resource]:
    """Yield what a resource refers to and has no person of its own, or one that is surely the same: places, drugs, results."""
    value = resource.element.value
    parts = [member(part, "location") for part in _inspected(member(value, "location"))]
    parts += [member(part, "valueReference") for part in _inspected(member(value, "extension"))]
    parts += _inspected(member(value, "result"))
    parts.append(member(value, "medicationReference"))
    for part in parts:
        target = group.find(member(part, "reference"))
        if target is not None and target.kind in {"Location", "Medication", "Observation"}:
            yield target


def _contained(owner: Element) -> list[Element]:
    inside = _inspected(member(owner.value, "contained"))
    return [Element(part, f"{owner.path}.contained[{number}]") for number, part in enumerate(inside)]


def _is_place_of_death(resource: Resource) -> bool:
    return any(name.lower().endswith(("injury-location", "death-location")) for name in _profiles(resource.element.value))


def _profiles(value: object) -> list[str]:
    return [name for name in _inspected(member(member(value, "meta"), "profile")) if isinstance(name, str)]


def _inspected(value: object) -> list[object]:
    return value[:_MOST_INSPECTED] if isinstance(value, list) else []


def kind_of(value: object) -> str | None:
    """Return the resource type, when it is a name."""
    kind = member(value, "resourceType")
    return kind if isinstance(kind, str) and kind.isascii() and kind.isalpha() else None


def member(value: object, name: str) -> object:
    """Return a member of an object; None of anything else."""
    return value.get(name) if isinstance(value, dict) else None
