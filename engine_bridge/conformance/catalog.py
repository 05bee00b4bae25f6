"""Every promise of an engine, in the order in which they are tried. Each sentence completes "The engine must ..."."""

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
        ("describes", "describe the character before it draws it", describing.describes),
        ("unknown-character", "refuse a character it does not have", describing.refuses_unknown_character),
        ("draws", "answer with a picture, a mask and a vector of the right sizes", drawing.draws),
        ("headless", "draw a lit face where nobody looks at a screen", drawing.draws_headless),
        ("ids", "answer each request under its own id", drawing.echoes_ids),
        ("frame-numbers", "number its frames upwards", drawing.counts_frames),
        ("repeats", "draw one vector the same every time", drawing.repeats),
        ("a-b-a", "return to face A after face B", drawing.returns_to_a),
        ("reads-back", "apply what was asked for and report what it applied", values.reads_back),
        ("sliders", "move the picture with every slider", sliders.sliders_move),
        ("choices", "draw every choice unlike every other", choices.choices_differ),
        ("parts", "mark the parts of a face where a face has them", parts.parts_are_plausible),
        ("sides", "keep left and right apart", parts.sides_are_right),
        ("background", "leave the studio's background plain", parts.background_is_plain),
        ("mask-fits", "draw masks whose edges are the picture's", masks.mask_fits_picture),
        ("mask-moves", "move the mask with the picture", masks.mask_moves_with_picture),
        ("hair", "change the hair part with the hairstyle", choices.hairstyle_changes_hair),
        ("sizes", "draw the same face at every size", batches.draws_every_size),
        ("batches", "draw in a batch what it draws alone", batches.batch_equals_singles),
        ("order", "draw a face whatever its neighbours are", batches.order_does_not_matter),
        ("wrong-vectors", "refuse vectors that do not fit", values.refuses_wrong_vectors),
        ("scene-fields", "honour the scene fields it announces", scenes.scene_fields_act),
        ("studio", "return to the studio when a scene is neutral", scenes.neutral_scene_is_studio),
        ("other-fields", "refuse scene fields it does not announce", scenes.refuses_unannounced_fields),
        ("stamps", "stamp frames so that late pictures are found", pace.stamps_prove_pictures),
        ("nonsense", "survive malformed messages", robustness.survives_nonsense),
        ("wrong-orders", "say why it does not draw an order", robustness.refuses_wrong_orders),
        ("silence", "drop a bridge that has fallen silent", robustness.leaves_silent_bridge),
        ("reconnects", "dial again when the connection is cut", robustness.reconnects),
        ("restarts", "draw the same after a restart", robustness.restarts_alike),
        ("pace", "keep the pace it announces", pace.keeps_pace),
    )
)
