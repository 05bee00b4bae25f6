"""Reports: one HTML page per run, or per two runs side by side, with every picture inside.

    page.py        a run's page                changes.py     why a step was done; in what two runs differ
    comparison.py  two runs side by side       coverage.py    how the drawn parameters fill their ranges
    outputs.py     what a run left on disk     learning.py    curves of the trainings
    galleries.py   which pictures are shown    throughput.py  pairs and samples a second
    pictures.py    pictures inside a page      failures.py    what went wrong, counted by cause
    drawings.py    histograms                  lineage.py     from the version down to shards and seeds
    timeline.py    steps and their times       formats.py     numbers for readers

A page is made from the run's record and the folders that the record names, so it can be made again at any time, and of
a run that failed half-way. What is gone or damaged is named at the page's end; the rest is shown.
"""

from flows.reports.comparison import write_comparison
from flows.reports.page import reported, write_report

__all__ = ["reported", "write_comparison", "write_report"]
