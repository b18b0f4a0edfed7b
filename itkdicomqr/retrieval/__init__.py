"""One series brought into memory, by whichever way, and proven to be whole."""

from itkdicomqr.retrieval.bringing import each_once
from itkdicomqr.retrieval.choices import Choices
from itkdicomqr.retrieval.delivery import Delivery
from itkdicomqr.retrieval.receivers import Receivers

__all__ = ["Choices", "Delivery", "Receivers", "each_once"]
