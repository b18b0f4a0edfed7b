"""The network's other half: requests over HTTP, and what comes of them (PS3.18)."""

from itkdicomqr.dicomweb.retrieve import wado
from itkdicomqr.dicomweb.session import Session

__all__ = ["Session", "wado"]
