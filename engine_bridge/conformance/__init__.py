"""The conformance kit: every promise of an engine bridge as a check that can fail, with pictures.

    report = run_conformance(Subject(engine=MockEngine()), "tiny")
    write_report(report, Path("check.html"))          # and check.json beside it

The checks are pytest material as well: ``try_behaviour(Trial(subject, "tiny"), behaviour)`` for each of BEHAVIOURS.
"""

from engine_bridge.conformance.catalog import BEHAVIOURS
from engine_bridge.conformance.evidence import Behaviour, Evidence, Exhibit, Finding, Verdict
from engine_bridge.conformance.page import write_report
from engine_bridge.conformance.report import ConformanceReport
from engine_bridge.conformance.runner import Progress, run_conformance, try_behaviour
from engine_bridge.conformance.subject import Announced, Subject, Wire
from engine_bridge.conformance.trial import Trial

__all__ = [
    "BEHAVIOURS",
    "Announced",
    "Behaviour",
    "ConformanceReport",
    "Evidence",
    "Exhibit",
    "Finding",
    "Progress",
    "Subject",
    "Trial",
    "Verdict",
    "Wire",
    "run_conformance",
    "try_behaviour",
    "write_report",
]
