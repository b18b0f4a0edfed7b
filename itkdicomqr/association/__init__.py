"""The network's half: associations, and what is said on them."""

from itkdicomqr.association.association import Association, Retrieved
from itkdicomqr.association.deadline import Deadline

__all__ = ["Association", "Deadline", "Retrieved"]
