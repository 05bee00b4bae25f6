from __future__ import annotations

import numpy as np
import pytest

from engine_bridge.parts import NOT_JUDGED
from f2p_models.evaluation.parsing import count_pixels, judge_parsing, rank_worst

NAMES = ("background", "skin", "eyes")
LABEL = np.array([[0, 0, 1, 1], [0, 1, 1, 2]], np.uint8)
ANSWER = np.array([[0, 1, 1, 1], [0, 1, 1, 0]], np.uint8)


def test_the_right_answer_is_one_everywhere() -> None:
    quality = judge_parsing([count_pixels(LABEL, LABEL, 3)], NAMES)
    assert (quality.mean_iou, quality.pixel_accuracy) == (1.0, 1.0)
    assert quality.class_iou == {"background": 1.0, "skin": 1.0, "eyes": 1.0}


def test_iou_and_accuracy_by_hand() -> None:
    quality = judge_parsing([count_pixels(ANSWER, LABEL, 3)], NAMES)
    assert quality.class_iou == pytest.approx({"background": 2 / 4, "skin": 4 / 5, "eyes": 0.0})
    assert quality.mean_iou == pytest.approx((2 / 4 + 4 / 5 + 0.0) / 3)
    assert quality.pixel_accuracy == pytest.approx(6 / 8)


def test_pixels_that_one_side_does_not_judge_do_not_count() -> None:
    label, answer = LABEL.copy(), ANSWER.copy()
    label[0, 1], answer[1, 3] = NOT_JUDGED, NOT_JUDGED
    quality = judge_parsing([count_pixels(answer, label, 3)], NAMES)
    assert quality.class_iou == {"background": 1.0, "skin": 1.0}


def test_photos_are_summed_before_they_are_judged() -> None:
    other = np.full((4, 4), 1, np.uint8)
    counts = [count_pixels(ANSWER, LABEL, 3), count_pixels(other, other, 3)]
    quality = judge_parsing(counts, NAMES)
    assert quality.num_photos == 2
    assert quality.class_iou["skin"] == pytest.approx((4 + 16) / (5 + 16))


def test_the_worst_photo_comes_first() -> None:
    perfect, bad = count_pixels(LABEL, LABEL, 3), count_pixels(ANSWER, LABEL, 3)
    assert rank_worst([perfect, bad, perfect]) == [1, 0, 2]
