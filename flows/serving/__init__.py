"""Nights on one machine with one command, or on a Prefect server and workers that are there.

service.py       ``f2p serve``: web, worker and schedules, kept running
upkeep.py        who has ended is started again, in the right order
deployments.py   the flows that Prefect starts, with plain parameters
registration.py  what a server is told of them: schedules, limits, forms
web.py           one address for Prefect's page, reports and metrics
worker.py        starts flows when they are due
recovery.py      cut-off flow runs go on
notices.py       what people are told of orders
supervision.py   processes that end with whoever started them
"""
