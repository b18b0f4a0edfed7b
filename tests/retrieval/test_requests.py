"""What a retrieval proposes and names: no more contexts than an association has, no longer list than a UID may be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from pydicom import uid

from itkdicomqr.archive.quirks.requests import WITH_UID_LIST, dropping_at, refusing, silent_at
from itkdicomqr.archive.seams import Quirk
from itkdicomqr.association.contexts import LOSSLESS, MAX_CONTEXTS, classes_of
from itkdicomqr.client import Client
from itkdicomqr.errors import IncompleteSeriesError
from itkdicomqr.node import Timeouts
from itkdicomqr.retrieval.getting import LISTS_EACH, MAX_UIDS
from tests.listening import Heard, listening, named
from tests.retrieval.coming import Told, brought
from tests.servers import HOST, free_port
from tests.synthetic import ROOT, series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.dataset import Dataset

    from itkdicomqr.archive.index import Entry
    from itkdicomqr.archive.seams import Request
    from itkdicomqr.instance import Instance
    from itkdicomqr.node import Node

US = "ITKDICOMQR"
UNKNOWN = "ZZ"
"""A modality that is none."""

EVERY_CLASS = classes_of(UNKNOWN)
EACH = (MAX_CONTEXTS - 1) // len(LOSSLESS)
"""How many storage classes one association has room for, beside the service."""


def of_classes(*classes: str, modality: str = UNKNOWN) -> list[Dataset]:
    """A series whose instances are of these storage classes."""
    return series("CT", len(classes), Modality=modality, SOPClassUID=lambda index: classes[index])


def retrieved(node: Node, **choices: Any) -> list[Instance]:
    heal = choices.pop("heal", True)
    client = Client(node, **choices)
    return client.retrieve(client.find_series("SYN-1").one(), heal=heal)


def uids(instances: Sequence[Any]) -> Counter[str]:
    return Counter(str(getattr(each, "sop_instance_uid", None) or each.SOPInstanceUID) for each in instances)


# Presentation contexts.


@pytest.mark.parametrize("associations", [1, 4])
def test_a_series_of_unknown_modality_comes_over_as_many_associations_as_its_classes_need(associations: int) -> None:
    datasets = of_classes(EVERY_CLASS[0], EVERY_CLASS[-1], EVERY_CLASS[EACH])
    with listening(datasets) as (node, heard):
        came = retrieved(node, associations=associations, heal=False)
    assert uids(came) == uids(datasets)
    assert all(len(contexts) <= MAX_CONTEXTS for contexts in heard.proposed)
    assert set().union(*heard.storage_classes) == set(EVERY_CLASS)
    needed = -(-len(EVERY_CLASS) // EACH)
    assert needed > 1
    assert len(heard.proposed) == needed if associations == 1 else len(heard.proposed) >= needed


def test_each_of_them_proposes_every_lossless_syntax_of_its_classes() -> None:
    with listening(of_classes(EVERY_CLASS[-1])) as (node, heard):
        retrieved(node, heal=False)
    for contexts, classes in zip(heard.proposed, heard.storage_classes, strict=True):
        assert set(contexts) >= {(each, str(syntax)) for each in classes for syntax in LOSSLESS}


def test_no_further_association_is_made_once_the_series_is_whole() -> None:
    with listening(of_classes(*[EVERY_CLASS[0]] * 3)) as (node, heard):
        assert len(retrieved(node)) == 3
    assert len(heard.proposed) == 1


# Lists of UIDs.

MANY = 2 * MAX_UIDS + 1
LONG = series("CT", MANY + 1, rows=1, columns=1)
FEW = 40


def first_of_series(entries: list[Entry], request: Request) -> list[Entry]:
    """Send one instance where the whole series is asked for."""
    return entries if named(request.identifier) else entries[:1]


ONE_OF_THE_WHOLE = Quirk(plan=first_of_series)


def has_list(request: Request) -> bool:
    return len(named(request.identifier)) > 1


NO_LISTS = {
    "refused": refusing(has_list, WITH_UID_LIST),
    "answered by nothing": silent_at(has_list),
    "fatal": dropping_at(has_list),
}
"""What an archive may make of a list."""

each_refusal = pytest.mark.parametrize("lists", NO_LISTS)


def test_healing_names_no_more_instances_at_a_time_than_a_list_may_have() -> None:
    with listening(LONG, ONE_OF_THE_WHOLE) as (node, heard):
        assert uids(retrieved(node)) == uids(LONG)
    assert [len(each) for each in heard.requests] == [0, MAX_UIDS, MAX_UIDS, 1]


def test_a_shared_series_is_named_in_lists_each_instance_once() -> None:
    with listening(LONG[:FEW]) as (node, heard):
        assert uids(retrieved(node, associations=2, heal=False)) == uids(LONG[:FEW])
    assert all(len(each) > 1 for each in heard.requests)
    assert Counter(name for each in heard.requests for name in each) == uids(LONG[:FEW])


def test_shared_lists_are_no_longer_than_a_list_may_be() -> None:
    held = series("CT", 1)
    listed = [*uids(held), *(f"{ROOT}.9.{number}" for number in range(2 * LISTS_EACH * MAX_UIDS))]
    whatever_is_named = Quirk(plan=lambda _, request: request.index.entries())
    told = Told(repeat(listed), {}, count=str(len(listed)))
    with listening(held, whatever_is_named) as (node, heard), pytest.raises(IncompleteSeriesError):
        brought(replace(node, model="study"), told, associations=2, heal=False)
    assert sorted((len(each) for each in heard.requests), reverse=True) == [MAX_UIDS] * (2 * LISTS_EACH) + [1]
    assert Counter(name for each in heard.requests for name in each) == Counter(listed)


SHORT = series("CT", 6)
ALONE = Counter((str(each.SOPInstanceUID),) for each in SHORT)


@each_refusal
def test_an_archive_that_refuses_lists_is_asked_for_one_after_the_other(lists: str) -> None:
    with listening(SHORT, ONE_OF_THE_WHOLE, NO_LISTS[lists]) as (node, heard):
        assert uids(retrieved(node)) == uids(SHORT)
    whole, listed, *singly = heard.requests
    assert (whole, len(listed)) == ((), len(SHORT) - 1)
    assert Counter(singly) == Counter((name,) for name in listed)


@each_refusal
def test_an_archive_that_refuses_lists_is_asked_by_several_associations_for_one_after_the_other(lists: str) -> None:
    with listening(LONG[:FEW], NO_LISTS[lists]) as (node, heard):
        assert uids(retrieved(node, associations=2)) == uids(LONG[:FEW])
    refused = [each for each in heard.requests if len(each) > 1]
    assert refused
    assert Counter(each[0] for each in heard.requests if len(each) == 1) == uids(LONG[:FEW])


@each_refusal
def test_a_move_of_what_is_missing_names_lists_and_then_one_after_the_other(lists: str) -> None:
    port = free_port()
    with listening(SHORT, ONE_OF_THE_WHOLE, NO_LISTS[lists], destinations={US: (HOST, port)}) as (node, heard):
        moving = replace(node, receiver=f"{HOST}:{port}", timeouts=Timeouts(late=0.3))
        assert uids(retrieved(moving, transport="move")) == uids(SHORT)
    assert [len(each) for each in heard.requests] == [0, len(SHORT) - 1] + [1] * (len(SHORT) - 1)


# Storage classes.

PRIVATE = "1.3.12.2.1107.5.9.1"
MIXED = of_classes(uid.CTImageStorage, PRIVATE, uid.MRImageStorage, uid.CTImageStorage, modality="CT")


def proposing(heard: Heard, sop_class: str) -> list[bool]:
    return [sop_class in classes for classes in heard.storage_classes]


def test_healing_proposes_the_classes_that_the_archive_tells_a_private_one_too() -> None:
    with listening(MIXED) as (node, heard):
        assert uids(retrieved(node)) == uids(MIXED)
    for sop_class in (PRIVATE, str(uid.MRImageStorage)):
        first, *healing = proposing(heard, sop_class)
        assert not first
        assert any(healing)


def test_an_archive_that_tells_no_classes_is_offered_all_that_there_are() -> None:
    with (
        listening(MIXED, "ignores=SOPClassUID") as (node, heard),
        pytest.raises(IncompleteSeriesError) as caught,
    ):
        retrieved(node)
    assert caught.value.missing == (str(MIXED[1].SOPInstanceUID),)
    assert any(proposing(heard, str(uid.MRImageStorage)))
    assert not any(proposing(heard, PRIVATE))
