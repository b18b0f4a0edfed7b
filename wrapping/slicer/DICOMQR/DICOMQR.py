"""A 3D Slicer module: from a Patient ID, a date and a series description on a PACS to a volume node."""

from __future__ import annotations

from typing import Any

import ctk
import qt
import slicer
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleWidget,
)

FIELDS = {
    "pacs": ("Archive:", "dicom://AE@host:port, https://host/dicom-web, or a configured name; empty for the default"),
    "patient_id": ("Patient ID:", "taken literally, with its leading zeros"),
    "date": ("Date:", "2021-05-03, 2021-05, 2021 or 20210501-20210531"),
    "description": ("Series description:", "with * and ?"),
}
"""Label and hint of each field, by keyword argument."""


class DICOMQR(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        parent.title = "DICOM Query/Retrieve to memory"
        parent.categories = ["Informatics"]
        parent.contributors = ["itkdicomqr"]
        parent.helpText = "Loads the one series that fulfils all criteria from a PACS. No file is written."


class DICOMQRWidget(ScriptedLoadableModuleWidget):
    """Four fields and a button."""

    def setup(self) -> None:
        """Make them."""
        super().setup()
        box = ctk.ctkCollapsibleButton()
        box.text = "Series"
        self.layout.addWidget(box)
        form = qt.QFormLayout(box)
        self.fields = {name: qt.QLineEdit() for name in FIELDS}
        for name, (label, hint) in FIELDS.items():
            self.fields[name].placeholderText = hint
            form.addRow(label, self.fields[name])
        self.button = qt.QPushButton("Load")
        self.button.connect("clicked()", self.load)
        form.addRow(self.button)
        self.layout.addStretch(1)

    def load(self) -> None:
        """Load what the fields tell; an error is shown."""
        words = {name: field.text for name, field in self.fields.items() if field.text}
        with slicer.util.tryWithErrorDisplay("The series could not be loaded.", waitCursor=True):
            node = DICOMQRLogic().load(**words)
            slicer.util.setSliceViewerLayers(background=node, fit=True)


class DICOMQRLogic(ScriptedLoadableModuleLogic):
    """What scripts may call, too."""

    def load(self, **words: Any) -> Any:
        """Load a series into a new volume node.

        Parameters
        ----------
        **words
            Those of `itkdicomqr.load_series`.

        Returns
        -------
        vtkMRMLScalarVolumeNode, or vtkMRMLVectorVolumeNode of colours

        Raises
        ------
        DICOMQRError
            As `itkdicomqr.load_series`.
        """
        from dicomqr_lib.placement import voxels_and_placement

        import itkdicomqr

        array, ijk_to_ras = voxels_and_placement(itkdicomqr.load_series(**words, toolkit="volume"))
        kind = "vtkMRMLVectorVolumeNode" if array.ndim > 3 else "vtkMRMLScalarVolumeNode"
        node = slicer.mrmlScene.AddNewNodeByClass(kind, "Series")
        slicer.util.updateVolumeFromArray(node, array)
        node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(ijk_to_ras))
        node.CreateDefaultDisplayNodes()
        return node
