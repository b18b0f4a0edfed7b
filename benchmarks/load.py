"""``python -m benchmarks.load PLACE QUERY_URL FOLDER SECONDS TOTAL``: load a series, for `benchmarks.faults`.

The instances come from one node, another lists them. Exits with 2 at an error of the package's own, so
that it is told from a bug; else leaves an empty file for each slice.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from itkdicomqr import Client, DICOMQRError, Node


def main(place: str, query_url: str, folder: str, seconds: str, total: str) -> None:
    node = replace(Node.parse(query_url), get=Node.parse(place))
    each = float(seconds)
    client = Client(
        node, connect_timeout=each, first_response_timeout=each, idle_timeout=each, total_timeout=float(total)
    )
    row = client.find_series("SYN-1").one()
    try:
        volume = client.load_series(series=row, toolkit="volume")
    except DICOMQRError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
    for number in range(len(volume.array)):
        (Path(folder) / str(number)).touch()


if __name__ == "__main__":
    main(*sys.argv[1:])
