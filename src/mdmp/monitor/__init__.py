"""A trigger -> the policy's decision -> capture -> a dump saved and finalized.

`run`, `attach` (`linux/`, `windows/`) and the system's post-mortem hooks notice that something happened to a process
(`fault.py`); `watch/` notices what is no fault but was asked for; both hand it to `Keeper` (`keeper.py`), which asks
`policy/`, writes the dump, and has `finalize/` do the rest.
"""
