"""Rules that count by case definition: which overdoses meet one, and which definitions may be named."""

import jsonschema
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.alerts.adapters.definitions_file import UnusableDefinitions, known_definitions
from spikewatch.alerts.adapters.rules_file import UnusableRules, read_rules, rules_of
from spikewatch.alerts.domain.composition import Unusable, read_rule
from spikewatch.alerts.domain.marks import asked, has, mark, stored_bits, stored_definitions, with_definitions
from spikewatch.alerts.domain.rule import Rule
from spikewatch.alerts.domain.rule_schema import rules_schema
from spikewatch.alerts.domain.rule_text import in_words
from spikewatch.alerts.domain.rulebook import Rulebook, differences
from spikewatch.alerts.domain.series import History
from spikewatch.contracts.vocabulary import DrugClass, Outcome, SourceType

RULES = """\
rules:
  - id: opioids
    version: 1
    description: Three in a day.
    kind: fixed_count
    area_kinds: [county]
    case_definitions: [opioid, medical-examiner-drug@1]
    window_hours: 24
    parameters: {threshold: 3, comparison: at_least}
"""
IDS = ("any-drug", "opioid", "opioid-like", "heroin")
names = st.builds("{}@{}".format, st.sampled_from(IDS), st.integers(1, 3))
overdoses = st.tuples(st.integers(0, 50), st.sampled_from(list(Outcome)), st.lists(names, max_size=5))


@given(st.lists(overdoses, max_size=30), st.lists(names | st.sampled_from(IDS), max_size=3), st.sampled_from([(), (Outcome.FATAL,)]))
def test_a_series_by_definition_equals_the_recomputation(told, wanted, outcomes):
    counted = sorted(
        at
        for at, outcome, met in told
        if (not outcomes or outcome in outcomes) and (not wanted or any(name in wanted or name.split("@")[0] in wanted for name in met))
    )
    rows = [(at, mark((outcome,), (DrugClass.OTHER,), (SourceType.EMS,), met)) for at, outcome, met in told]
    asks = asked(outcomes, (), (), wanted)
    history = History.of(rows, 0, -1)
    assert history.select(0, 50, asks).times.tolist() == counted
    assert sorted(at for at, bits in rows if has(bits, asks)) == counted
    stored = [(at, stored_bits(bits), stored_definitions(bits)) for at, bits in rows]
    again = History.of([(at, with_definitions(bits, text)) for at, bits, text in stored], 0, -1)
    assert np.array_equal(again.marks, history.marks)
    assert all(bits < 2**31 for _, bits, _ in stored), "MongoDB holds them as small integers"


def test_a_set_is_the_same_in_any_order_and_however_often_a_name_stands_in_it():
    assert mark((), (), (), ["b@1", "a@1", "b@1"]) == mark((), (), (), ("a@1", "b@1")) != mark((), (), (), ("a@1",))
    assert mark((), (), (), ()) == mark() == 0
    assert stored_definitions(mark((), (), (), ["b@1", "a@1"])) == "a@1 b@1"
    assert stored_definitions(mark((Outcome.FATAL,))) == ""


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("cste-ems-opioid", "did you mean cste-like-ems-opioid? Expected any-drug, benzodiazepine, "),
        ("zzz", "is no case definition that is known; expected any-drug, "),
        ("opioid@9", "is a version that does not exist; expected opioid (any version) or opioid@1"),
        ("overdose-signs", "is no case definition that is known"),
        ("Opioid", "expected the id of a case definition, or id@version, for example opioid or opioid@1"),
        ("opioid@0", "expected the id of a case definition"),
        ('"opioid\\n"', "expected the id of a case definition"),
    ],
)
def test_a_definition_that_nobody_writes_is_an_error_with_its_line(written, says):
    with pytest.raises(UnusableRules) as caught:
        rules_of(RULES.replace("medical-examiner-drug@1", written), "rules.yaml")
    ((line, problem),) = caught.value.problems
    assert (line, problem.rule, problem.field) == (7, "opioids", "case_definitions.1")
    assert says in problem.text


def test_an_older_version_may_be_asked_for():
    assert rules_of(RULES.replace("opioid,", "any-drug@1,"), "rules.yaml").rules[0].case_definitions[0] == "any-drug@1"


def test_an_operators_own_definitions_may_be_named_and_only_those(tmp_path):
    own, rules = tmp_path / "own.yaml", tmp_path / "rules.yaml"
    own.write_text(
        "version: 7\nkeep: {icd10cm: T40}\ndefinitions:\n"
        "  - {id: opioid, version: 4, title: t, source: s, when: {fact: [dead]}}\n"
        "  - {id: part, version: 1, title: t, source: s, hidden: true, when: {fact: [dead]}}\n"
    )
    known = known_definitions(own)
    assert known == {"opioid": 4}
    rules.write_text(RULES.replace("opioid, medical-examiner-drug@1", "opioid@4"))
    (rule,) = read_rules(rules, known).rules
    assert isinstance(read_rule("opioids", 1, rule.model_dump_json(), known), Rule)
    refused = read_rule("opioids", 1, rule.model_dump_json())
    assert isinstance(refused, Unusable)
    assert "expected opioid (any version) or opioid@1" in refused.problem
    rules.write_text(RULES)
    with pytest.raises(UnusableRules, match=r"rules.yaml:7: opioids: case_definitions.1: is no case definition"):
        read_rules(rules, known)
    own.write_text("[")
    for path in (own, tmp_path / "absent.yaml", tmp_path):
        with pytest.raises(UnusableDefinitions, match="expected a file of case definitions"):
            known_definitions(path)


def test_it_is_told_in_words_and_a_change_of_it_needs_a_version(make):
    (rule,) = rules_of(RULES, "rules.yaml").rules
    assert "suspected overdoses that meet opioid or medical-examiner-drug (version 1) in every county" in " ".join(in_words(rule))
    (one,) = differences(Rulebook((rule,)), rules_of(RULES.replace("opioid,", "heroin,"), "rules.yaml"))
    assert one.needs_version
    assert [field for field, _, _ in one.fields] == ["case_definitions"]
    assert "case_definitions" not in make.rule().reference().parameters


def test_the_schema_holds_it():
    schema = jsonschema.Draft202012Validator(rules_schema())
    assert schema.is_valid(yaml.safe_load(RULES))
    for wrong in ("opioid@latest", "Opioid", "3"):
        assert not schema.is_valid(yaml.safe_load(RULES.replace("opioid,", f"{wrong},"))), wrong
