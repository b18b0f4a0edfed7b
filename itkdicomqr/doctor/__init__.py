"""What an archive can do, what it does otherwise than the standard, and what to do about it."""

from itkdicomqr.doctor.diagnosis import Diagnosis, Finding, Verdict
from itkdicomqr.doctor.examine import examine
from itkdicomqr.doctor.profile import save_profile

__all__ = ["Diagnosis", "Finding", "Verdict", "examine", "save_profile"]
