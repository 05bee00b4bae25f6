"""What ``f2p doctor`` looks at: the machine, the services it talks to, and the files that runs need.

A check returns one line about what is well, and raises for what is not; :class:`IllError` brings the fix along.
"""

from flows.monitoring.checks.ill import IllError

__all__ = ["IllError"]
