from __future__ import annotations

import torch

from f2p_models.creation.likeness import Likeness
from f2p_models.creation.palette import mix_palette


def test_a_palette_knows_which_choice_has_the_photos_color(small_bundle):
    """A drawing that shows nothing but the choice: a shade each."""
    shades = torch.tensor([[0.9, 0.2, 0.2], [0.2, 0.9, 0.2], [0.2, 0.2, 0.9]])

    def draw(vectors):
        picture = torch.full((len(vectors), 3, 64, 64), 0.5)
        picture[:, :, :24] = (vectors[:, 4:7] @ shades)[:, :, None, None]
        return picture

    likeness = Likeness(
        embedder=small_bundle.embedder, segmenter=small_bundle.segmenter, identity_weight=1.0, content_weight=1.0
    )
    palette = mix_palette(small_bundle.schema, draw, small_bundle.segmenter, small_bundle.device)
    worn = torch.eye(7)[4:7]

    losses = palette.color_losses(likeness.target(draw(worn)), 7)

    assert losses.shape == (3, 7)
    assert (losses[:, :4] == 0.0).all()
    assert losses[:, 4:].argmin(1).tolist() == [0, 1, 2]
