"""What ``import itk`` reads of this module. Literals only: an exception here would break that import."""

depends = ()
templates = ()
factories = ()
