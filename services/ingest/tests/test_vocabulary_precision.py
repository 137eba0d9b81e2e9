"""What harmless calls and complaints may not be taken for, and what true ones must be found in. All lines are invented."""

from itertools import product

import pytest

from spikewatch.ingest.domain.numbered_yaml import WrongData
from spikewatch.ingest.domain.vocabulary import DRUG, load_vocabulary
from spikewatch.ingest.terminology import vocabulary

VOCABULARY = vocabulary()

COMPLAINTS = ("abd pain", "chest pain", "fever and cough", "fall", "laceration to L hand", "H/A and N/V")
TIMES = ("2/6 hours", "1 hours ago", "x 2 days", "since 6 am", "at 6am", "6-7 AM", "for 1 wk", "q 6 hours")
VITALS = (
    "K 3.2", "K 2.0", "K 2 repleted", "K: 2.9", "BP 120/80", "HR 1-2-6", "SpO2 92 on 2 L", "T 38.6", "FSBS 26", "GCS 1/2/6",
    "Na 126, K 2.6",
    "EF 2-6 %", "INR 2.6", "pain 6/10", "G 2 P 1", "wt 6 lb 2 oz", "grade 2/6 murmur", "T 1 fracture", "L 2 compression fx", "C 2-6 tender",
    "stage 2 ulcer", "DM 2", "type 1 diabetes", "N 95 mask", "vitamin K 2", "M 30 YO", "F 30", "M30 unresponsive", "F25 fall",
)  # fmt: skip
PEOPLE = ("12 yo F", "6 mo M", "2 yr old", "26 y/o male", "1 wk old", "80 F", "M 30", "6 year old girl", "2 boys")
MEDICINES = (
    "hx of MS, on tylenol 500 mg for fever", "took tylenol for headache", "takes lisinopril and metoprolol",
    "med list: gabapentin, sertraline, metformin",
    "started lexapro last week", "allergic to aspirin", "allergy to ibuprofen", "motrin 600 mg given at home", "on keppra for seizures",
    "out of insulin and metformin", "pill stuck in throat", "took her blood pressure pill", "pill organizer missing", "birth control pills",
    "lithium battery fire", "rash after benadryl", "took benadryl for itching", "cough, took robitussin for cough", "CVS drug store",
    "drug allergy unknown", "drug screen for work", "antidepressants not helping", "abilify follow up", "imodium for diarrhea",
    "asa 81 daily",
    "took 2 advil for back pain", "lidocaine patch on back", "caffeine headache", "daily aspirin use", "nosebleed on aspirin",
)  # fmt: skip
AMBIGUOUS = (
    "c/o H/A", "ice pack applied", "slipped on ice", "slipped on ice, head injury, unconscious", "fell on black ice", "fell on grass",
    "coke (soda)",
    "drank a coke then vomited", "coke can cut finger", "speed limit sign down", "MVC high speed", "high rate of speed", "speeding vehicle",
    "hit his head on crystal table", "Crystal Lake Rd", "Crystal is the caller", "green beans", "horse riding", "thrown from horse",
    "kicked by horse", "roofing tar burn", "hot tar on hand", "smack to head", "smacked in face", "blow to head", "blow out fracture",
    "boy fell from bed", "girl with rash", "glass in foot", "broken glass", "Molly Pitcher Hwy", "dog named Molly bit child",
    "snow shovelling",
    "shoveling snow chest pain", "white horse pike", "leg crushed by crank", "crack in sidewalk", "cracked rib", "crackles in lungs",
    "acid reflux", "stomach acid", "battery acid splash", "weed killer exposure", "fell while pulling weeds", "cut by weed wacker",
    "pot on stove",
    "boiling pot burn", "hash browns burn", "spice in eye", "pumpkin spice allergy", "lean to one side", "leaning left", "x ray needed",
    "exposure x 2",
    "e coli", "H pylori", "vitamin K", "K-2 school bus", "sent by PCP", "PCP referral for high BP", "f/u with pcp",
    "called PCP yesterday", "no PCP",
    "CBD stone", "CBD dilated on US", "mvc on blue route", "blues festival, heat", "bars on window fell", "stuck behind bars",
    "soma massage", "wet floor fall",
    "dust in eye", "dab eye with cloth", "dabs blood from cut", "perks up when spoken to", "roxy theatre fall", "oxy sat 92",
    "E 6 St and N 2 Ave", "100 N 2ND ST",
    "1 N MAIN ST & 6 AVE", "RT 2; STATION 6", "ENGINE 2 TO UNIT 1", "apt 2C", "AMBULANCE 6-1", "APT 1,4", "2,2,6,6", "1, 4, 2, 6", "n",
    "N, N", "2", "6",
    "BIS 2", "medic 2 c/b", "SR 7 OH", "column 5 f", "U 2 concert", "fu/f in 2 wk", "fu f with ortho", "speed boat crash",
    "ice skating fall",
    "huffing and puffing", "cooking ice cream", "bottle of coke thrown", "rubbing alcohol in eye", "hiking, high on mountain",
    "tarry stool", "boyfriend hit her",
    "opiniated", "methodist church", "heroic rescue", "hero", "codename", "cocoa burn", "fenton st", "percolator burn", "zanesville",
)  # fmt: skip
HARMLESS = sorted(
    {
        *(f"{complaint} {time}" for complaint, time in product(COMPLAINTS, TIMES)),
        *(f"{person} {complaint}" for person, complaint in product(PEOPLE, COMPLAINTS)),
        *(f"{person}, {time} of dizziness" for person, time in product(PEOPLE, TIMES)),
        *VITALS,
        *MEDICINES,
        *AMBIGUOUS,
    }
)

TRUE = [
    *((line, term) for line, term in (
        ("heroin overdose", "heroin"), ("HERION OD", "heroin"), ("OD ON HEROINE", "heroin"), ("snorted dope", "heroin"),
        ("dope od", "heroin"),
        ("herroin, not breathing", "heroin"), ("heorin od 2/6 hours ago", "heroin"), ("black tar heroin", "heroin"),
        ("smoked tar", "heroin"), ("speedball OD", "heroin"),
        ("acute intoxication by 6-monoacetylmorphine", "heroin"), ("6-MAM positive", "heroin"), ("6mam positive", "heroin"),
        ("shot up smack", "heroin"),
        ("china white od", "heroin"), ("fentanyl od", "fentanyl"), ("fentynal od", "fentanyl"), ("fetanyl overdose", "fentanyl"),
        ("fenty laced pills", "fentanyl"),
        ("smoked fent", "fentanyl"), ("fentanylod", "fentanyl"), ("phentanyl", "fentanyl"), ("took fentynl, unresponsive", "fentanyl"),
        ("4-ANPP detected", "despropionylfentanyl"),
        ("4anpp", "despropionylfentanyl"), ("4-FBF", "fluoroisobutyrylfentanyl"), ("carfent od", "carfentanil"), ("u-47700", "u-47700"),
        ("U47700 od", "u-47700"),
        ("u 47700 intoxication", "u-47700"), ("mt-45", "mt-45"), ("MT45 toxicity", "mt-45"), ("kratom od", "mitragynine"),
        ("7-OH overdose", "mitragynine"),
        ("nitazene od", "nitazene"), ("oxycotin od", "oxycodone"), ("took 10 percs", "oxycodone"), ("OD on perc", "oxycodone"),
        ("perc 30 od", "oxycodone"),
        ("took blue m30", "oxycodone"), ("m30s found, blue lips", "oxycodone"), ("snorted roxy", "oxycodone"),
        ("percoset od", "oxycodone"), ("vicoden od", "hydrocodone"),
        ("dilauded od", "hydromorphone"), ("methadon od", "methadone"), ("suboxon od", "buprenorphine"), ("tramadal od", "tramadol"),
        ("opiod od", "opioid"),
        ("narcotic od", "opioid"), ("cocain od", "cocaine"), ("smoked crack", "cocaine"), ("smoking crack, chest pain", "cocaine"),
        ("coke od", "cocaine"),
        ("OD on coke", "cocaine"), ("heroin and coke", "cocaine"), ("coke and heroin", "cocaine"), ("snorting coke", "cocaine"),
        ("used coke", "cocaine"),
        ("crack overdose", "cocaine"), ("meth od", "methamphetamine"), ("smoked ice", "methamphetamine"),
        ("ice overdose", "methamphetamine"), ("OD on ice", "methamphetamine"),
        ("smoking crystal", "methamphetamine"), ("crystal meth", "methamphetamine"), ("injected ice", "methamphetamine"),
        ("heroin/ice", "methamphetamine"), ("methanphetamine", "methamphetamine"),
        ("high on speed", "amphetamine"), ("aderall od", "amphetamine"), ("took molly, seizing", "mdma"), ("OD on molly", "mdma"),
        ("molly od", "mdma"), ("ecstacy", "mdma"),
        ("flakka", "synthetic cathinone"), ("a-PVP od", "synthetic cathinone"), ("N,N-dimethylpentylone", "synthetic cathinone"),
        ("xanex od", "alprazolam"), ("OD on xans", "alprazolam"),
        ("klonipin od", "clonazepam"), ("benzo od", "benzodiazepine"), ("zylazine wounds", "xylazine"), ("tranq dope", "xylazine"),
        ("medetomidine od", "medetomidine"),
        ("ghb od", "ghb"), ("drank 1,4-butanediol", "ghb"), ("BTMPS in sample", "btmps"),
        ("bis(2,2,6,6-tetramethyl-4-piperidyl)sebacate", "btmps"), ("smoked PCP", "phencyclidine"),
        ("PCP overdose", "phencyclidine"), ("on PCP, combative", "phencyclidine"), ("heroin, pcp", "phencyclidine"),
        ("angel dust?", "phencyclidine"), ("K2 od", "synthetic marijuana"),
        ("smoked K2", "synthetic marijuana"), ("k2/spice", "synthetic marijuana"), ("smoked spice", "synthetic marijuana"),
        ("smoked weed, anxious", "marijuana"), ("thc gummies", "marijuana"),
        ("2C-B at festival", "hallucinogen"), ("tripping on acid", "lsd"), ("took acid", "lsd"), ("tylenol overdose", "acetaminophen"),
        ("took 20 tylenol", "acetaminophen"),
        ("took whole bottle of tylonol", "acetaminophen"), ("ingested 30 benadryl", "diphenhydramine"),
        ("unresponsive, took seroquel", "antipsychotic"), ("handful of pills, od", "pills"),
        ("took too many pills", "pills"), ("poss od on gabapentin", "gabapentin"),
        ("clonidine ingestion, lethargic", "antihypertensive"), ("intentional od trazadone", "antidepressant"),
    )),
]  # fmt: skip


def drugs(text: str) -> list[str]:
    return [listed.term for listed in VOCABULARY.scan(text) if listed.kind == DRUG]


def test_no_harmless_line_names_a_drug() -> None:
    assert len(HARMLESS) >= 300
    taken = {line: found for line in HARMLESS for text in (line, line.upper()) if (found := drugs(text))}
    assert taken == {}


def test_every_true_line_names_its_drug() -> None:
    assert len(TRUE) >= 100
    missed = {line: term for line, term in TRUE for text in (line, line.upper()) if term not in drugs(text)}
    assert missed == {}


def test_no_number_and_no_letter_alone_ever_names_a_drug() -> None:
    marks = [*map(str, range(200)), *"abcdefghijklmnopqrstuvwxyz"]
    assert [mark for mark in marks if drugs(mark)] == []
    pairs = [f"{one} {two}" for one, two in product([*map(str, range(13)), *"abcdefghijklmnopqrstuvwxyz"], repeat=2)]
    assert [pair for pair in pairs if drugs(pair)] == []


def test_everyday_medicines_count_wherever_a_cause_of_death_names_them() -> None:
    found = VOCABULARY.scan("Diphenhydramine and ethanol", is_cause=True)
    assert [listed.term for listed in found] == ["diphenhydramine", "alcohol"]
    assert [listed.term for listed in VOCABULARY.scan("diphenhydramine and ethanol")] == ["alcohol"]


@pytest.mark.parametrize("negated", ["denies smoking ice", "no crack, denies coke or heroin", "denies od on molly"])
def test_slang_is_negated_as_any_name_is(negated: str) -> None:
    assert drugs(negated) == []


@pytest.mark.parametrize(
    ("spelling", "problem"),
    [
        ("1,4-butanediol", "too short"),  # YAML cuts it at the comma
        ("n,n-dimethylpentylone", "too short"),
        ("bis(2,2-x)", "one bracket"),
        ("h", "too short"),
        ("fu-f", "too short"),
        ("12", "too short"),
    ],
)
def test_a_spelling_that_any_text_holds_is_refused_with_its_line(spelling: str, problem: str) -> None:
    text = (
        "version: 1\ndrugs:\n"
        f"  ghb: {{class: other, spellings: [{spelling}]}}\n"
        "words: {overdose: {kind: overdose}}\n"
        "negations: {before: [], after: [], ends: [], earlier: [], given: [], doses: []}\n"
    )
    with pytest.raises(WrongData, match=problem) as told:
        load_vocabulary(text, "mine.yaml")
    assert str(told.value).startswith("mine.yaml:3:")
