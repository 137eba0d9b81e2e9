"""What a record says that classification reads: codes, names of substances, texts. Texts are read for terms and then forgotten."""

from typing import Final, NamedTuple

from spikewatch.contracts.report import Code
from spikewatch.contracts.vocabulary import DrugBasis

__all__ = ["NOTHING_FOUND", "Found", "Named", "Statement"]


class Named(NamedTuple):
    """A substance as a structured field of the source names it (``HEROIN``, ``Fentanyl Analogue``), with its code if it has one."""

    name: str
    basis: DrugBasis = DrugBasis.SUSPECTED
    code: str | None = None
    system: str | None = None


class Statement(NamedTuple):
    """A free text: chief complaint, narrative, cause of death, dispatch title. It never leaves ingest.

    Attributes:
        role: what kind of text it is.
        text: as the source wrote it.
        drugs_are: what a drug named in it rests on; None where naming one does not say that it was taken.
    """

    role: str
    text: str
    drugs_are: DrugBasis | None = None


class Found(NamedTuple):
    """All that classification reads of one record.

    Attributes:
        codes: every coded finding; only those that a case definition may look at are kept.
        names: substances of structured fields.
        statements: free texts.
        facts: named findings of the format that a case definition can ask for, for example ``naloxone_improved``.
    """

    codes: tuple[Code, ...] = ()
    names: tuple[Named, ...] = ()
    statements: tuple[Statement, ...] = ()
    facts: frozenset[str] = frozenset()


NOTHING_FOUND: Final = Found()
