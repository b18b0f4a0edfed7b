"""Makes ``itkdicomqr.find_series`` and ``load_series`` be ``itk.dicom_find_series`` and ``itk.dicom_load_series``.

ITK runs this file when one of the names is first used, and expects what SWIG writes: a dict ``swig``, and beside each
function another one that sets its docstring. It runs it with its own folder as the working directory and first on the
path, and asks for the functions once both are restored: hence ``__getattr__``, and no import up here. Every public
name ends up in ``itk``.
"""

_FUNCTIONS = {"dicom_find_series": "find_series", "dicom_load_series": "load_series"}

swig: dict[str, object] = {}


def __getattr__(name: str) -> object:
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = globals()[name] = getattr(_package(), _FUNCTIONS[name])
    return function


def _package() -> object:
    try:
        import itkdicomqr
    except BaseException:
        import sys

        sys.modules.pop(__name__, None)  # else ITK takes this module for loaded, and the next use is a KeyError
        raise
    return itkdicomqr


def dicom_find_series_init_docstring() -> None:
    """Do nothing: the function has its docstring."""


dicom_load_series_init_docstring = dicom_find_series_init_docstring
