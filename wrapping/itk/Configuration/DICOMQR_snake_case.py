"""The names that ``import itk`` adds to its namespace, not yet loaded. Literals only, as beside it."""

snake_case_functions = ("dicom_find_series", "dicom_load_series")
