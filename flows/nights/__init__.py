"""Every night, unattended: bring the creators of all characters up to date, and say what became of each.

nightly.py    the flow: plan, budget, build, go on after a failure, tidy up
records.py    a night's record
notices.py    what people are told of it
endings.py    what an error means for whoever ordered the work
retention.py  what may be deleted, and what never
"""
