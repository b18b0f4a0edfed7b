"""The same series as a SimpleITK image, and in one line from its archive to a statistic."""

import SimpleITK as sitk  # noqa: N813 as everybody calls it

import itkdicomqr
from itkdicomqr.testing import Archive


def main() -> None:
    with Archive() as archive:
        image = itkdicomqr.load_series("99999", "2021-05-03", "COR*", pacs=archive.url, toolkit="simpleitk")

    statistics = sitk.StatisticsImageFilter()
    statistics.Execute(image)
    print(image.GetSize(), image.GetDirection(), f"mean {statistics.GetMean():.1f} HU")


if __name__ == "__main__":
    main()
