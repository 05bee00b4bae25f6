"""Every promise of an engine, in the order in which they are tried. Each sentence completes "The engine ..."."""

from __future__ import annotations

from typing import Final

from engine_bridge.conformance.checks import (
    batches,
    choices,
    describing,
    drawing,
    masks,
    pace,
    parts,
    robustness,
    scenes,
    sliders,
    values,
)
from engine_bridge.conformance.evidence import Behaviour

BEHAVIOURS: Final = tuple(
    Behaviour(name=name, sentence=sentence, check=check)
    for name, sentence, check in (
        ("describes", "describes the character before it draws it", describing.describes),
        ("unknown-character", "refuses a character it does not have", describing.refuses_unknown_character),
        ("draws", "answers with a picture, a mask and a vector of the right sizes", drawing.draws),
        ("headless", "draws a lit face where nobody looks at a screen", drawing.draws_headless),
        ("ids", "answers each request under its own id", drawing.echoes_ids),
        ("frame-numbers", "numbers its frames upwards", drawing.counts_frames),
        ("repeats", "draws one vector the same every time", drawing.repeats),
        ("a-b-a", "returns to face A after face B", drawing.returns_to_a),
        ("reads-back", "applies what was asked for and reports what it applied", values.reads_back),
        ("sliders", "moves the picture with every slider", sliders.sliders_move),
        ("choices", "draws every choice unlike every other", choices.choices_differ),
        ("parts", "marks the parts of a face where a face has them", parts.parts_are_plausible),
        ("sides", "keeps left and right apart", parts.sides_are_right),
        ("background", "leaves the studio's background plain", parts.background_is_plain),
        ("mask-fits", "draws masks whose edges are the picture's", masks.mask_fits_picture),
        ("mask-moves", "moves the mask with the picture", masks.mask_moves_with_picture),
        ("hair", "changes the hair part with the hairstyle", choices.hairstyle_changes_hair),
        ("sizes", "draws the same face at every size", batches.draws_every_size),
        ("batches", "draws in a batch what it draws alone", batches.batch_equals_singles),
        ("order", "draws a face whatever its neighbours are", batches.order_does_not_matter),
        ("wrong-vectors", "refuses vectors that do not fit", values.refuses_wrong_vectors),
        ("scene-fields", "honours the scene fields it announces", scenes.scene_fields_act),
        ("studio", "returns to the studio when a scene is neutral", scenes.neutral_scene_is_studio),
        ("other-fields", "refuses scene fields it does not announce", scenes.refuses_unannounced_fields),
        ("stamps", "stamps frames so that late pictures are found", pace.stamps_prove_pictures),
        ("nonsense", "survives malformed messages", robustness.survives_nonsense),
        ("wrong-orders", "says why it does not draw an order", robustness.refuses_wrong_orders),
        ("silence", "drops a bridge that has fallen silent", robustness.leaves_silent_bridge),
        ("reconnects", "dials again when the connection is cut", robustness.reconnects),
        ("restarts", "draws the same after a restart", robustness.restarts_alike),
        ("pace", "keeps the pace it announces", pace.keeps_pace),
    )
)
