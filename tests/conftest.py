"""What several tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from itkdicomqr.pytest_plugin import demo_archive as demo_archive  # also where the package is not installed
from itkdicomqr.pytest_plugin import dicom_archive as dicom_archive

settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")  # a busy machine is no failure
