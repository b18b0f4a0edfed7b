"""The network's other half: queries and retrievals over HTTP (PS3.18)."""

from itkdicomqr.dicomweb.query import WebCatalogue
from itkdicomqr.dicomweb.retrieve import wado
from itkdicomqr.dicomweb.session import Session

__all__ = ["Session", "WebCatalogue", "wado"]
