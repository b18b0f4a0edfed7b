"""Hand the image to an ITK filter: it owns its voxels, so nothing else need be kept alive."""

import itk

import itkdicomqr
from itkdicomqr.testing import Archive


def main() -> None:
    with Archive() as archive:
        image = itkdicomqr.load_series("99999", "2022-02-14", "T1 SAG", pacs=archive.url)

    shrunk = itk.bin_shrink_image_filter(image, shrink_factors=[2, 2, 2])
    print(shrunk.GetLargestPossibleRegion().GetSize(), shrunk.GetSpacing())


if __name__ == "__main__":
    main()
