"""Which contract a circuit is proposed for, and how sure that is."""

import adoption.matching
import pytest
from adoption import (
    Certainty,
    Circuit,
    Contract,
    Evidence,
    Matcher,
    clean_document,
    name_key,
    numbers_in,
)
from hypothesis import given
from hypothesis import strategies as st

CPF, OTHER_CPF = "52998224725", "11144477735"
CNPJ, BRANCH = "11222333000181", "11222333000262"
NUMBER = "555433334444"


def contract(id_=1, document=None, name=None, number=None, code=None):
    return Contract(
        id_,
        frozenset(filter(None, [document])),
        tuple(filter(None, [name])),
        frozenset(filter(None, [number])),
        frozenset(filter(None, [code])),
    )


def circuit(document=None, name=None, number=None, code=None):
    return Circuit(
        7,
        document,
        name,
        frozenset(filter(None, [number])),
        frozenset(filter(None, [code])),
    )


def match(one, *contracts):
    return Matcher(contracts).propose(one)


def test_the_same_document_is_certain():
    found = match(circuit(CPF, "Maria Silva"), contract(1, CPF, "Maria da Silva"))
    assert (found.contract_id, found.certainty) == (1, Certainty.CERTAIN)
    assert found.proposals[0].evidence == (Evidence.DOCUMENT, Evidence.NAME)


def test_a_document_under_quite_another_name_is_to_be_looked_at():
    found = match(circuit(CPF, "Bar do Porto"), contract(1, CPF, "Clínica Vitória"))
    assert found.certainty == Certainty.LIKELY
    assert Evidence.OTHER_NAME in found.proposals[0].evidence


def test_a_part_of_a_name_is_no_other_name():
    found = match(circuit(CPF, "Maria"), contract(1, CPF, "Maria Aparecida Souza"))
    assert found.certainty == Certainty.CERTAIN


def test_several_contracts_of_one_customer_are_left_to_a_person():
    found = match(circuit(CPF, "Maria"), contract(1, CPF), contract(2, CPF))
    assert found.contract_id is None
    assert found.certainty == Certainty.POSSIBLE
    assert [proposal.contract_id for proposal in found.proposals] == [1, 2]
    assert all(p.evidence[-1] == Evidence.SEVERAL for p in found.proposals)


@pytest.mark.parametrize("telling", [{"number": NUMBER}, {"code": "100200"}])
def test_a_number_or_code_tells_contracts_of_one_customer_apart(telling):
    found = match(
        circuit(CPF, **telling), contract(1, CPF), contract(2, CPF, **telling)
    )
    assert (found.contract_id, found.certainty) == (2, Certainty.CERTAIN)
    assert found.proposals[1].contract_id == 1


def test_number_and_name_together_are_certain_one_alone_is_likely():
    both = match(circuit(None, "José", NUMBER), contract(1, CPF, "Jose", NUMBER))
    number = match(circuit(None, None, NUMBER), contract(1, CPF, "Jose", NUMBER))
    name = match(circuit(None, "José"), contract(1, CPF, "Jose", NUMBER))
    assert both.certainty == Certainty.CERTAIN
    assert number.certainty == name.certainty == Certainty.LIKELY


def test_another_branch_of_a_company_is_likely():
    assert match(circuit(CNPJ), contract(1, BRANCH)).certainty == Certainty.LIKELY


def test_a_namesake_with_another_document_is_possible_at_most():
    found = match(circuit(CPF, "José Silva"), contract(1, OTHER_CPF, "José Silva"))
    assert found.certainty == Certainty.POSSIBLE


def test_a_similar_name_with_another_document_is_nothing():
    found = match(circuit(CPF, "José Silva"), contract(1, OTHER_CPF, "José Silvas"))
    assert found.proposals == ()
    assert found.contract_id is None and found.certainty is None


def test_a_misspelt_name_is_possible():
    found = match(
        circuit(None, "Padaria Estrela Dalva Ltda"),
        contract(1, CNPJ, "ESTRELA DALVVA PADARIA - ME"),
        contract(2, None, "Padaria Central"),
    )
    assert (found.contract_id, found.certainty) == (1, Certainty.POSSIBLE)
    assert found.proposals[0].evidence == (Evidence.SIMILAR_NAME,)


def test_figures_are_no_misspelling():
    found = match(circuit(None, "Assinante 1200"), contract(1, None, "Assinante 1201"))
    assert found.proposals == ()


def test_what_points_elsewhere_makes_the_best_less_than_certain():
    found = match(
        circuit(CPF, "Maria", NUMBER),
        contract(1, CPF, "Maria"),
        contract(2, None, "Joana", NUMBER),
        contract(3, None, "Maria", NUMBER),
    )
    assert (found.contract_id, found.certainty) == (1, Certainty.LIKELY)
    assert found.proposals[0].evidence[-1] == Evidence.RIVAL


def test_a_number_that_half_the_contracts_have_says_nothing():
    crowd = [contract(id_, None, f"Cliente {id_}", NUMBER) for id_ in range(100)]
    assert match(circuit(None, None, NUMBER), *crowd).proposals == ()


def test_nothing_in_common_proposes_nothing():
    assert match(circuit(CPF, "Maria"), contract(1, OTHER_CPF, "João")).proposals == ()
    assert match(circuit(), contract()).proposals == ()


@pytest.mark.parametrize(
    "one, other",
    [
        ("Padaria São João Ltda.", "PADARIA SAO JOAO LTDA ME"),
        ("João da Silva", "SILVA, JOAO"),
        ("Comercial Araçá S/A", "Comercial Araca S.A."),
        ("J.P. Materiais M.E.", "JP Materiais"),
    ],
)
def test_names_are_one_whatever_accents_forms_and_order(one, other):
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    "text, document",
    [
        ("529.982.247-25", CPF),
        ("BR11.222.333/0001-81", CNPJ),
        ("12.abc.345/01de-35", "12ABC34501DE35"),
        ("000.000.000-00", None),
        ("ISENTO", None),
        ("123", None),
        ("", None),
        (None, None),
    ],
)
def test_documents_are_compared_by_their_characters(text, document):
    assert clean_document(text) == document


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("(54) 3333-4444", {NUMBER}),
        ("+55 54 3333 4444", {NUMBER}),
        ("Fone fixo 54 3333-4444 / 54 99888-7766", {NUMBER, "5554998887766"}),
        ("555433334444", {NUMBER}),
        ("3333-4444", set()),
        ("Contrato 2024/0017", set()),
        (None, set()),
    ],
)
def test_numbers_are_found_in_what_people_write(text, numbers):
    assert numbers_in(text) == numbers


NAMES = ("Maria Silva", "Silva Maria Ltda", "Maria Sílva", "João Souza", "Bar Azul", "")
documents = st.sampled_from([None, CPF, OTHER_CPF, CNPJ, BRANCH])
numbers = st.sampled_from([None, NUMBER, "555433335555", "5554998887766"])
codes = st.sampled_from([None, "100200", "100201"])
circuits = st.builds(circuit, documents, st.sampled_from(NAMES), numbers, codes)
worlds = st.lists(
    st.tuples(documents, st.sampled_from(NAMES), numbers, codes), max_size=8
).map(lambda rows: [contract(id_, *row) for id_, row in enumerate(rows, 1)])


@given(circuits, worlds, st.randoms())
def test_the_order_of_contracts_does_not_matter(one, contracts, rng):
    shuffled = list(contracts)
    rng.shuffle(shuffled)
    assert match(one, *contracts) == match(one, *shuffled)


@given(circuits, worlds)
def test_a_twin_of_the_chosen_contract_takes_the_choice_away(one, contracts):
    found = match(one, *contracts)
    if found.contract_id is None:
        return
    chosen = contracts[found.contract_id - 1]
    doubled = match(one, *contracts, chosen._replace(id=99))
    assert doubled.contract_id is None
    assert {p.contract_id for p in doubled.proposals} >= {found.contract_id, 99}
    assert {p.certainty for p in doubled.proposals[:2]} == {Certainty.POSSIBLE}


@given(circuits, worlds)
def test_the_choice_is_the_best_that_looking_at_each_contract_alone_finds(
    one, contracts
):
    """The indexes miss nothing that a look at all would find (there are few)."""
    alone = {c.id: match(one, c).proposals for c in contracts}
    scores = {id_: found[0].score for id_, found in alone.items() if found}
    found = match(one, *contracts)
    assert {p.contract_id: p.score for p in found.proposals} == scores
    best = [id_ for id_, score in scores.items() if score == max(scores.values())]
    assert found.contract_id == (best[0] if len(best) == 1 else None)


@given(circuits, worlds)
def test_certain_is_never_without_document_number_or_code(one, contracts):
    for proposal in match(one, *contracts).proposals:
        if proposal.certainty == Certainty.CERTAIN:
            assert not {Evidence.OTHER_DOCUMENT, Evidence.OTHER_NAME}.intersection(
                proposal.evidence
            )
            assert {Evidence.DOCUMENT, Evidence.CODE, Evidence.NUMBER}.intersection(
                proposal.evidence
            )


def test_thousands_meet_thousands_by_looking_at_few(monkeypatch):
    """A word that all names share leads nowhere; a rare one to a handful."""
    compared = 0

    def count(key, other):
        nonlocal compared
        compared += 1
        return False

    monkeypatch.setattr(adoption.matching, "is_similar", count)
    people = 2_000
    matcher = Matcher(
        contract(id_, None, f"Cliente Fulano{id_:05d} Souza") for id_ in range(people)
    )
    for id_ in range(people):
        matcher.propose(circuit(None, f"Cliente Fulanno{id_:05d} Souza"))
    assert compared <= people * adoption.matching.MOST_COMPARED
