"""Without an archive: volumes from files, bytes or data sets, in any order."""

import sys

import itkdicomqr
from itkdicomqr.testing import Archive


def main(folder: str | None = None) -> None:
    with Archive(folder) as archive:  # the demo patient, or the DICOM files of a folder
        instances = archive.instances
    series = {instance.header.SeriesInstanceUID for instance in instances}
    for uid in sorted(series):
        chosen = [instance for instance in instances if instance.header.SeriesInstanceUID == uid]
        try:
            for volume in itkdicomqr.read_volumes(chosen):
                print(volume)
        except itkdicomqr.VolumeError as error:
            print(f"refused: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
