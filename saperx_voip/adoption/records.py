"""What is compared, and what comes of it. All records are immutable."""

import enum
from typing import NamedTuple


class Certainty(enum.StrEnum):
    """How sure it is that a circuit is of a contract, from the most to the least."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Evidence(enum.StrEnum):
    """What speaks for a contract, then what speaks against it."""

    DOCUMENT = "document"
    CODE = "code"
    NUMBER = "number"
    NAME = "name"
    BRANCH = "branch"
    """Another branch of the same company, by its CNPJ."""
    SIMILAR_NAME = "similar_name"
    OTHER_DOCUMENT = "other_document"
    OTHER_NAME = "other_name"
    SEVERAL = "several"
    """Another contract fits as well."""
    RIVAL = "rival"
    """Another contract has something for it that this one has not."""


class Circuit(NamedTuple):
    """A line as the platform has it."""

    id: int
    document: str | None
    """As ``clean_document`` gives it."""
    name: str | None
    numbers: frozenset[str] = frozenset()
    """E.164 without "+"."""
    codes: frozenset[str] = frozenset()
    """By which the platform knows it: account code, reference."""


class Contract(NamedTuple):
    id: int
    documents: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    """Of its customer: what people call it, the company's name."""
    numbers: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()


class Proposal(NamedTuple):
    contract_id: int
    certainty: Certainty
    score: int
    """To put proposals of one circuit in order, nothing else."""
    evidence: tuple[Evidence, ...]


class Match(NamedTuple):
    circuit_id: int
    proposals: tuple[Proposal, ...]
    """The best first."""
    contract_id: int | None
    """The one that is proposed; None if there is none, or if several fit as well."""
    certainty: Certainty | None
