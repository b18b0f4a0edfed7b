"""Time and memory of the whole job, side by side with what else there is; and what clients make of faults.

``python -m benchmarks`` makes series (`data`), puts them into Orthanc and opens other ways to them (`ways`, `replay`,
`relay`), lets each of the `contenders` do its `job` in a process of its own (`measure`), and tells how they compare
(`report`, `picture`). The `floor` is a bare socket loop.

``python -m benchmarks.faults`` lets clients meet archives that err (`renumber`, `load`, `watched`).
"""
