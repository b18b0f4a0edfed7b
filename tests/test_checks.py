"""Keyword arguments that are not known, and values that cannot be meant."""

from __future__ import annotations

from typing import Any

import pytest

from itkdicomqr import Client, InputError, find_series, load_cohort, load_series, load_volumes
from itkdicomqr.checks import FLAG, check_keywords, check_kinds, check_positive
from itkdicomqr.errors import NodeError
from itkdicomqr.retrieval import Choices, ChoiceWords

NOBODY = "NOBODY@127.0.0.1:1"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("modalty", "; did you mean 'modality'?"),
        ("PatientID", "; did you mean 'patient_id'?"),
        ("toolkti", "; did you mean 'toolkit'?"),
        ("idle_timeout", ": it is one of Client"),
        ("associations", ""),
    ],
)
def test_the_nearest_name_is_told_or_whose_it_is(name: str, hint: str) -> None:
    known, elsewhere = ["modality", "patient_id", "description"], {"idle_timeout": "Client"}
    with pytest.raises(TypeError) as caught:
        check_keywords([name], known, ["toolkit"], elsewhere)
    assert str(caught.value) == f"unknown keyword argument {name!r}{hint}"


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: load_volumes("1", pacs=NOBODY, volume=1), "'volume': it is one of load_series"),
        (lambda: find_series("1", pacs=NOBODY, toolkit="itk"), "'toolkit': it is one of load_series"),  # type: ignore[call-arg]
        (lambda: find_series("1", pcas=NOBODY), "'pcas'; did you mean 'pacs'"),  # type: ignore[call-arg]
        (lambda: load_series("1", pacs=NOBODY, tolkit="itk"), "'tolkit'; did you mean 'toolkit'"),
        (lambda: Client(NOBODY).load_series("1", idle_timeout=1), "'idle_timeout': it is one of Client"),
        (lambda: Client(NOBODY).retrieve(series_uid="1.2", parital=True), "'parital'; did you mean 'partial'"),  # type: ignore[call-arg]
    ],
)
def test_a_keyword_argument_of_another_call_is_told_as_such(call: Any, hint: str) -> None:
    with pytest.raises(TypeError, match=hint):
        call()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"max_series_bytes": "8GB"}, "max_series_bytes='8GB': give a whole number, at least 1"),
        ({"max_series_bytes": None}, "max_series_bytes=None: give a whole number"),
        ({"rescale": "no"}, "rescale='no': give True or False"),
        ({"invert_monochrome1": 0}, "invert_monochrome1=0: give True or False"),
        ({"padding": "0"}, "padding='0': give a number"),
        ({"padding": True}, "padding=True: give a number"),
        ({"heal": "no"}, "heal='no': give True or False"),
        ({"partial": None}, "partial=None: give True or False"),
        ({"associations": True}, "associations=True: give a whole number, at least 1"),
    ],
)
def test_an_option_of_another_kind_is_refused_before_anything_is_asked(words: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load_series("1", pacs=NOBODY, **words)
    with pytest.raises(InputError, match=reason):
        load_cohort([], pacs=NOBODY, **words)


def test_values_are_of_their_kinds() -> None:
    kinds = {"flag": FLAG, "number": (int | float, "a number")}
    check_kinds({"flag": False, "number": 2.5, "other": None}, kinds, InputError)
    with pytest.raises(NodeError, match="number=True: give a number"):
        check_kinds({"flag": True, "number": True}, kinds, NodeError)


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", None, True])
def test_what_is_no_positive_whole_number_is_refused(value: object) -> None:
    check_positive({"count": 1}, InputError)
    with pytest.raises(InputError, match=r"count=.*: give a whole number, at least 1"):
        check_positive({"count": value}, InputError)


def test_the_choices_of_a_retrieval_are_those_of_a_load() -> None:
    assert vars(Choices()).keys() == ChoiceWords.__annotations__.keys()
