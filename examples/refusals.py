"""What is refused, and how each error names its cure."""

import itkdicomqr
from itkdicomqr.testing import Archive


def main() -> None:
    with Archive() as archive:
        for words in (
            ("99999", "2021-05-04", "AX 3.0 Lung"),  # no study on that day
            ("99999", "2021-05-03", "AX 5.0 Contrast"),  # two series of that description
            ("99999", "2021-05-03", "AX 4D"),  # two volumes in one series
            ("99999", "2021-05-03", "AX 3.0 Gap"),  # a slice is missing
            ("*", "2021-05-03", "AX 3.0 Lung"),  # a wildcard where an ID is meant
        ):
            try:
                itkdicomqr.load_series(*words, pacs=archive.url)
            except itkdicomqr.DICOMQRError as error:
                print(f"{type(error).__name__}: {error}\n")


if __name__ == "__main__":
    main()
