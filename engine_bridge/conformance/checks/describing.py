"""What an engine says about a character type before it draws it."""

from __future__ import annotations

from engine_bridge.conformance.evidence import Evidence, judge
from engine_bridge.conformance.trial import Trial
from engine_bridge.errors import EngineError, InputError
from engine_bridge.schema import ParameterSchema

#: No engine has a character type of this name.
NOBODY = "nobody-of-that-name"


def describes(trial: Trial) -> Evidence:
    """The schema is valid, was told before the first frame, and is the same each time it is asked for."""
    first, again = trial.schema, trial.engine.describe(trial.character)
    rebuilt = ParameterSchema.from_dict(first.to_dict())
    fingerprints = {first.fingerprint, again.fingerprint, rebuilt.fingerprint}
    figures = {"continuous": first.num_continuous, "discrete": len(first.discrete), "choices": first.num_discrete}
    if first.character != trial.character:
        return judge(False, f"asked for {trial.character!r}, described {first.character!r}", figures=figures)
    if len(fingerprints) > 1:
        return judge(False, f"the schema changes from one description to the next: {sorted(fingerprints)}")
    told = f"{first.num_continuous} sliders and {first.num_discrete} choices, fingerprint {first.fingerprint}"
    return judge(True, told, figures=figures)


def refuses_unknown_character(trial: Trial) -> Evidence:
    """A name that no character type has is an error, never some other character."""
    try:
        described = trial.engine.describe(NOBODY)
    except (EngineError, InputError) as error:
        return judge(True, f"refused: {error}")
    return judge(False, f"asked for {NOBODY!r}, the engine described {described.character!r}; answer with an error")
