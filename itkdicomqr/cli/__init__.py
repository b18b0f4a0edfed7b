"""The command line: data on stdout, words and progress on stderr, exit codes from one table."""

from itkdicomqr.cli.main import main

__all__ = ["main"]
