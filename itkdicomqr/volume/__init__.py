"""The assembling half: from instances, wherever they come from, to volumes; it knows no network."""

from itkdicomqr.volume.picking import one_volume
from itkdicomqr.volume.read import assemble, read_volumes
from itkdicomqr.volume.stacking import stacked
from itkdicomqr.volume.volume import Report, Volume

__all__ = ["Report", "Volume", "assemble", "one_volume", "read_volumes", "stacked"]
