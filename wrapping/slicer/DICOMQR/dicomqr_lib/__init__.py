"""What the module does that needs no Slicer."""
