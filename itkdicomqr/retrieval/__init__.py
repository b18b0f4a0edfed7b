"""One series brought into memory, by whichever way, and proven to be whole."""

from itkdicomqr.retrieval.bringing import each_once
from itkdicomqr.retrieval.choices import Choices, ChoiceWords
from itkdicomqr.retrieval.delivery import Delivery
from itkdicomqr.retrieval.receivers import RECEIVERS

__all__ = ["RECEIVERS", "ChoiceWords", "Choices", "Delivery", "each_once"]
