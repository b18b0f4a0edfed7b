"""The searching half, which knows no pixels: from what a user knows to an archive's rows, and the one that is meant."""
