"""Is all well? The log, notices, numbers for Prometheus, health of the schedule, and the doctor.

logs.py           what happened, a JSON object per line
notifications.py  telling people; webhooks.py posts it
metrics.py        the state of a home as Prometheus reads it
health.py         nights that did not happen
night_history.py, run_history.py   records, read without patience for damaged ones
doctor.py         what ``f2p doctor`` finds; checks/ is what it looks at
"""
