"""The assembling half: from instances, wherever they come from, to volumes; it knows no network."""

from itkdicomqr.volume.outcomes import Outcome
from itkdicomqr.volume.picking import all_volumes, one_volume
from itkdicomqr.volume.read import assemble, read_volumes
from itkdicomqr.volume.report import Report
from itkdicomqr.volume.stacking import stacked
from itkdicomqr.volume.volume import Volume

__all__ = ["Outcome", "Report", "Volume", "all_volumes", "assemble", "one_volume", "read_volumes", "stacked"]
