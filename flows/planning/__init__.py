"""What a run would do, why and at what cost, without doing any of it.

plan.py            the steps of ``pipeline.py`` in their order
planned_steps.py   each one's target: is it there, why not, what will it cost
dataset_plans.py   what is to be rendered and aligned, and where it is to lie
training_plans.py  what is to be trained, and everything that shapes it
reasons.py         why a step has to be done again
estimates.py       hours and bytes, by what earlier runs needed
"""
