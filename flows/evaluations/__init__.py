"""The tables of the papers, measured: ``f2p evaluate <verb>``, a module per verb.

subject.py   what is evaluated: a published version, or the networks of the last run, opened with their engine
page.py      what comes out: tables, pictures and notes as ``evaluation.json`` and ``index.html``
"""
