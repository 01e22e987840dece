"""Which contracts a circuit may belong to.

Thousands of circuits meet thousands of contracts: contracts are found by what a circuit
names (document, number, code, the rare words of a name), never by going through all.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from .documents import company_of
from .names import is_other, is_similar, name_key
from .records import Certainty, Circuit, Contract, Evidence, Match, Proposal

# What so many contracts have in common (the provider's own telephone, a placeholder)
# tells nothing.
MOST_SHARING = 20
# A word of so many names finds nobody by itself.
MOST_WITH_WORD = 200
# Whose names are compared letter by letter: those with the rarest words in common.
MOST_COMPARED = 30
# What a person can choose among.
MOST_PROPOSALS = 10
# A misspelt word mostly begins as it should.
BEGINNING = 4

WEIGHTS = {
    Evidence.DOCUMENT: 16,
    Evidence.CODE: 8,
    Evidence.NUMBER: 8,
    Evidence.NAME: 5,
    Evidence.BRANCH: 4,
    Evidence.SIMILAR_NAME: 2,
    Evidence.OTHER_DOCUMENT: -12,
    Evidence.OTHER_NAME: -3,
}
# What one contract may have that another has not.
TELLING = frozenset((Evidence.DOCUMENT, Evidence.CODE, Evidence.NUMBER, Evidence.NAME))


class Matcher:
    """Proposes contracts for circuits.

    :param contracts: all that a circuit may belong to
    """

    def __init__(self, contracts: Iterable[Contract]):
        self._contracts: dict[int, Contract] = {}
        self._keys: dict[int, tuple[tuple[str, ...], ...]] = {}
        self._by_document = defaultdict(list)
        self._by_company = defaultdict(list)
        self._by_number = defaultdict(list)
        self._by_code = defaultdict(list)
        self._by_name = defaultdict(list)
        self._by_word = defaultdict(list)
        for contract in contracts:
            self._add(contract)

    def match(self, circuits: Iterable[Circuit]) -> Iterator[Match]:
        return map(self.propose, circuits)

    def propose(self, circuit: Circuit) -> Match:
        """What may be, the best first; nothing is chosen where several fit as well."""
        weighed = [
            self._weigh(circuit, self._contracts[contract_id])
            for contract_id in self._find(circuit)
        ]
        found = sorted(filter(None, weighed), key=lambda p: (-p.score, p.contract_id))
        if not found:
            return Match(circuit.id, (), None, None)
        best = [proposal for proposal in found if proposal.score == found[0].score]
        if len(best) > 1:
            tied = [
                _doubt(proposal, Evidence.SEVERAL, Certainty.POSSIBLE)
                for proposal in best
            ]
            found[: len(best)] = tied
            return Match(
                circuit.id, tuple(found[:MOST_PROPOSALS]), None, Certainty.POSSIBLE
            )
        if _has_rival(found[0], found[1:]):
            found[0] = _doubt(found[0], Evidence.RIVAL, Certainty.LIKELY)
        [first, *others] = found
        others = [_no_more_than(first.certainty, other) for other in others]
        proposals = (first, *others[: MOST_PROPOSALS - 1])
        return Match(circuit.id, proposals, first.contract_id, first.certainty)

    def _add(self, contract: Contract) -> None:
        self._contracts[contract.id] = contract
        keys = tuple(dict.fromkeys(filter(None, map(name_key, contract.names))))
        self._keys[contract.id] = keys
        for document in contract.documents:
            self._by_document[document].append(contract.id)
        for company in filter(None, set(map(company_of, contract.documents))):
            self._by_company[company].append(contract.id)
        for number in contract.numbers:
            self._by_number[number].append(contract.id)
        for code in contract.codes:
            self._by_code[code].append(contract.id)
        for key in keys:
            self._by_name[key].append(contract.id)
        for word in {part for key in keys for part in _parts(key)}:
            self._by_word[word].append(contract.id)

    def _find(self, circuit: Circuit) -> set[int]:
        """Ids of the contracts that have anything in common with a circuit."""
        found: set[int] = set()
        if circuit.document:
            found.update(self._by_document.get(circuit.document, ()))
            found.update(self._sharing(self._by_company, company_of(circuit.document)))
        for number in circuit.numbers:
            found.update(self._sharing(self._by_number, number))
        for code in circuit.codes:
            found.update(self._sharing(self._by_code, code))
        if key := name_key(circuit.name):
            found.update(self._by_name.get(key, ())[:MOST_WITH_WORD])
            found.update(self._with_like_name(key))
        return found

    def _sharing(self, index, key) -> list[int]:
        found = index.get(key, ())
        return found if len(found) <= MOST_SHARING else []

    def _with_like_name(self, key: tuple[str, ...]) -> list[int]:
        """Those whose names have the rarest words in common with a name."""
        common = Counter()
        for part in _parts(key):
            some = self._by_word.get(part, ())
            if len(some) <= MOST_WITH_WORD:
                for contract_id in some:
                    common[contract_id] += 1 / len(some)
        ranked = sorted(common, key=lambda id_: (-common[id_], id_))
        return [
            contract_id
            for contract_id in ranked[:MOST_COMPARED]
            if any(is_similar(key, other) for other in self._keys[contract_id])
        ]

    def _weigh(self, circuit: Circuit, contract: Contract) -> Proposal | None:
        evidence = set(self._gather(circuit, contract))
        certainty = _judge(evidence)
        if certainty is None:
            return None
        score = sum(WEIGHTS[item] for item in evidence)
        in_order = tuple(item for item in Evidence if item in evidence)
        return Proposal(contract.id, certainty, score, in_order)

    def _gather(self, circuit: Circuit, contract: Contract) -> Iterator[Evidence]:
        document = circuit.document
        if document and contract.documents:
            company = company_of(document)
            if document in contract.documents:
                yield Evidence.DOCUMENT
            elif company and company in map(company_of, contract.documents):
                yield Evidence.BRANCH
            else:
                yield Evidence.OTHER_DOCUMENT
        if self._share(self._by_code, circuit.codes & contract.codes):
            yield Evidence.CODE
        if self._share(self._by_number, circuit.numbers & contract.numbers):
            yield Evidence.NUMBER
        key, keys = name_key(circuit.name), self._keys[contract.id]
        if key and keys:
            if key in keys:
                yield Evidence.NAME
            elif any(is_similar(key, other) for other in keys):
                yield Evidence.SIMILAR_NAME
            elif all(is_other(key, other) for other in keys):
                yield Evidence.OTHER_NAME

    def _share(self, index, common) -> bool:
        return any(self._sharing(index, key) for key in common)


def _judge(evidence: set[Evidence]) -> Certainty | None:
    """How sure one contract is, seen by itself; None: it is not worth a look."""
    points_at_it = not evidence.isdisjoint((Evidence.CODE, Evidence.NUMBER))
    if Evidence.OTHER_DOCUMENT in evidence:
        # A namesake, or a number that changed hands.
        worth = points_at_it or Evidence.NAME in evidence
        return Certainty.POSSIBLE if worth else None
    if Evidence.DOCUMENT in evidence:
        doubtful = Evidence.OTHER_NAME in evidence
        return Certainty.LIKELY if doubtful else Certainty.CERTAIN
    if points_at_it and Evidence.NAME in evidence:
        return Certainty.CERTAIN
    if Evidence.OTHER_NAME in evidence:
        return Certainty.POSSIBLE
    if points_at_it or not evidence.isdisjoint((Evidence.NAME, Evidence.BRANCH)):
        return Certainty.LIKELY
    return Certainty.POSSIBLE if evidence else None


def _has_rival(best: Proposal, others: Iterable[Proposal]) -> bool:
    """Whether something speaks for another contract that does not for the best."""
    lacking = TELLING.difference(best.evidence)
    return any(
        other.certainty != Certainty.POSSIBLE and not lacking.isdisjoint(other.evidence)
        for other in others
    )


def _doubt(proposal: Proposal, why: Evidence, at_most: Certainty) -> Proposal:
    doubted = proposal._replace(evidence=(*proposal.evidence, why))
    return _no_more_than(at_most, doubted)


def _no_more_than(certainty: Certainty, proposal: Proposal) -> Proposal:
    order = list(Certainty)
    least = max(certainty, proposal.certainty, key=order.index)
    return proposal._replace(certainty=least)


def _parts(key: tuple[str, ...]) -> Iterator[str]:
    """By what a name is found: its words, and how they begin."""
    for word in key:
        yield word
        if len(word) > BEGINNING:
            yield f"{word[:BEGINNING]}*"
