"""Whether instances belong to a series, by their own UIDs, and whether their patient is the one of its row."""

from __future__ import annotations

from pydicom.datadict import keyword_for_tag

from itkdicomqr.errors import ForeignInstanceError
from itkdicomqr.instance import SERIES_INSTANCE_UID, SOP_CLASS_UID, SOP_INSTANCE_UID, Instance
from itkdicomqr.query.table import Row
from itkdicomqr.text import SPECIFIC_CHARACTER_SET, text_of

PATIENT_ID = 0x00100020
STUDY_INSTANCE_UID = 0x0020000D


class Belonging:
    """What the instances of a series must have in common with its row.

    All of them should have the same values, so bytes that were just read are not read again.

    Parameters
    ----------
    series : Row
        Which series; its study is compared if the row tells it.
    character_set : str
        That of an instance that names none.
    """

    def __init__(self, series: Row, character_set: str) -> None:
        self._character_set = character_set
        self._patient_id = series.get("PatientID")
        study, own = series.get("StudyInstanceUID"), series.get("SeriesInstanceUID")
        self._path = {**({STUDY_INSTANCE_UID: study} if study else {}), SERIES_INSTANCE_UID: own}
        self._last_path: object = None
        self._last_patient: object = None
        self._is_another_patient = False
        self._others: set[str] = set()

    def check(self, instance: Instance) -> None:
        """See that the data set is what the command called it, and of the study and series that were asked for.

        Raises
        ------
        ForeignInstanceError
            It is not.
        """
        elements = instance.elements
        names = {SOP_INSTANCE_UID: instance.sop_instance_uid, SOP_CLASS_UID: instance.sop_class_uid}
        path = elements.content(STUDY_INSTANCE_UID), elements.content(SERIES_INSTANCE_UID)
        for tag, expected in (names if path == self._last_path else names | self._path).items():
            found = elements.uid(tag)
            if found != expected:
                message = f"its {keyword_for_tag(tag)} is {found!r:.70}, not {expected}: it is not what was asked for"
                raise ForeignInstanceError(message, sop_instance_uid=instance.sop_instance_uid)
        self._last_path = path

    def compare_patient(self, instance: Instance) -> None:
        """Take note of a patient who is known otherwise to the archive."""
        elements = instance.elements
        patient = PATIENT_ID in elements, elements.content(PATIENT_ID), elements.content(SPECIFIC_CHARACTER_SET)
        if patient != self._last_patient:
            found = text_of(elements, "PatientID", self._character_set) if self._patient_id else None
            self._last_patient, self._is_another_patient = patient, found not in (None, self._patient_id)
        if self._is_another_patient:
            self._others.add(instance.sop_instance_uid)

    @property
    def notices(self) -> tuple[str, ...]:
        """What is to be said of the patient, without values."""
        if not self._others:
            return ()
        return (
            f"{len(self._others)} instances have another PatientID (0010,0020) than the row of their series: the "
            "archive may have reconciled the patient since they were stored",
        )
