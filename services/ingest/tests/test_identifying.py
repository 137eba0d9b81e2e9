"""Most texts are only searched for what every identifier holds: nothing that the full search finds may be lost by it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikewatch.ingest.domain import identifying
from spikewatch.ingest.domain.identifying import is_identifying, is_number, without_identifiers
from spikewatch.ingest.domain.profiles import numbers

_NEAR = st.text(alphabet="0123456789 ./-()+@MRSNDOBx:#", max_size=24)
_FORMS = st.sampled_from(
    (
        *(r"[\w.+-]{1,4}@[\w-]{1,4}\.[\w.-]{1,4}", r"(\+?1[ .-]?)?(\(\d{3}\)\s?|\d{3}[ .-])\d{3}[ .-]\d{4}", r"\d{3}-\d{2}-\d{4}"),
        *(r"(0?[1-9]|1[0-2])[/.-](0?[1-9]|[12]\d|3[01])[/.-](19|20)\d{2}", r"(19|20)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"),
        r"(MRN|SSN|DOB|mrn|dob)[:# ]{0,2}\d{2,8}",
    )
).flatmap(lambda form: st.from_regex(form, fullmatch=True))


@given(before=_NEAR, form=_FORMS, after=_NEAR)
def test_the_quick_search_hides_nothing_from_the_full_one(before: str, form: str, after: str) -> None:
    for text in (form, before + form, form + after, before + form + after, before + after):
        assert is_identifying(text) == (identifying._IDENTIFIER.search(text) is not None)
        _, found = without_identifiers(text)
        assert found or identifying._IDENTIFIER_IN_TEXT.search(text) is None


@pytest.mark.parametrize("phone", ["555-0143", "610) 555-0143", "(610)555-0143", "610-555-0143", "610.555.0143"])
def test_a_phone_in_a_place_is_taken_out(phone: str) -> None:
    assert without_identifiers(f"100 MAIN ST {phone}") == ("100 MAIN ST [removed]", True)


@pytest.mark.parametrize("place", ["900-1000 BLOCK MAIN ST", "91-1234 FORT WEAVER RD", "104-12 OAK AVE", "I-95 MM 123-4", "19401-1234"])
def test_a_range_of_houses_and_a_zip_code_are_no_phone(place: str) -> None:
    assert without_identifiers(place) == (place, False)


def test_an_id_that_looks_like_a_local_phone_is_an_id() -> None:
    assert not is_identifying("555-0143")


@given(st.from_regex(numbers._is_plain.__self__, fullmatch=True))
def test_what_a_profile_takes_for_a_number_at_a_glance_would_pass_every_question(number: str) -> None:
    assert numbers._checked(number, "Run No") == number
    assert is_number(number)
    assert not is_identifying(number)
