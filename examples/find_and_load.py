"""Find a series by what is known of it, and load it as an ITK image."""

import itkdicomqr
from itkdicomqr.testing import Archive


def main() -> None:
    with Archive() as archive:  # in place of your PACS; its URL is like "dicom://ORTHANC@localhost:4242"
        table = itkdicomqr.find_series("99999", "2021-05", pacs=archive.url)
        print(table)

        image = itkdicomqr.load_series("99999", "2021-05-03", "AX 3.0 Soft*", pacs=archive.url)
        print(image.GetLargestPossibleRegion().GetSize(), image.GetSpacing(), image.GetOrigin())


if __name__ == "__main__":
    main()
