"""Certificates for the tests: an authority of their own, and what it vouches for."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme

from itkdicomqr import TLS

HOST = "127.0.0.1"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Authority:
    """A certificate authority whose certificates lie in a folder.

    Attributes
    ----------
    folder : Path
        Where the files lie.
    ca : trustme.CA
        What signs.
    """

    folder: Path
    ca: trustme.CA

    @classmethod
    def founded(cls, folder: Path) -> Authority:
        folder.mkdir(exist_ok=True)
        authority = cls(folder, trustme.CA())
        authority.ca.cert_pem.write_to_path(authority.file)
        return authority

    @property
    def file(self) -> Path:
        """The authority's own certificate."""
        return self.folder / "authority.pem"

    def issue(self, *names: str, not_after: datetime | None = None) -> Path:
        """Give a file of a new certificate for these names, and its key."""
        path = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        self.ca.issue_cert(*names, not_after=not_after).private_key_and_cert_chain_pem.write_to_path(path)
        return path

    def server(self, *names: str, not_after: datetime | None = None) -> ssl.SSLContext:
        """Make what a server of a certificate for these names listens with."""
        return serving(self.issue(*(names or (HOST,)), not_after=not_after))

    def demanded_by(self, server: ssl.SSLContext) -> ssl.SSLContext:
        """Have a server demand a certificate of this authority."""
        server.verify_mode = ssl.CERT_REQUIRED
        server.load_verify_locations(self.file)
        return server

    def client(self, certificate: Path | None = None) -> ssl.SSLContext:
        """Make what a client connects with that trusts this authority alone."""
        context = ssl.create_default_context(cafile=self.file)
        if certificate:
            context.load_cert_chain(certificate)
        return context

    def orthanc(self, *, demands: bool = False) -> dict[str, object]:
        """Make the settings by which Orthanc speaks DIMSE over TLS."""
        certificate = str(self.issue(HOST))
        return {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": certificate,
            "DicomTlsPrivateKey": certificate,
            "DicomTlsTrustedCertificates": str(self.file),
            "DicomTlsRemoteCertificateRequired": demands,
        }

    def trusted(self, certificate: Path | None = None, server_name: str = "") -> TLS:
        """Make the settings of a client that trusts this authority alone."""
        return TLS(self.file, certificate or "", server_name=server_name)


def serving(certificate: Path) -> ssl.SSLContext:
    """Make what a server of this certificate listens with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
