"""Damaged series by the thousand: each must become right volumes or a typed error, in little time and memory.

``python -m tests.fuzzing --minutes 10`` searches; every finding is printed with the number that repeats
it: ``python -m tests.fuzzing --replay NUMBER``.
"""
