from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from engine_bridge.schema import ContinuousParameter, DiscreteParameter
from flows.reports.coverage import NUM_BINS, count_choices, count_slider, read_coverage
from flows.reports.drawings import draw_histogram, draw_map
from flows.run_records import RunRecord

SLIDER = ContinuousParameter(
    name="jaw.tx", group="jaw", bone="jaw", controller="tx", minimum=-5.0, maximum=5.0, default=0.0
)
CHOICE = DiscreteParameter(name="hair", group="hair", choices=("bald", "bob", "long"), default="bald")
MakeRun = Callable[..., RunRecord]


def test_a_slider_is_counted_over_its_whole_range_with_both_ends() -> None:
    counts = count_slider(SLIDER, np.array([-5.0, -5.0001, -4.9, 0.1, 5.0]))
    assert (len(counts), counts[0], counts[NUM_BINS // 2], counts[-1]) == (NUM_BINS, 3, 1, 1)


def test_choices_that_were_never_drawn_are_counted_too() -> None:
    found = count_choices(CHOICE, np.array(["bob", "bob", "bald"], object))
    assert found.counts == {"bald": 1, "bob": 2, "long": 0}
    assert found.never == ["long"]


def test_a_dataset_says_which_ranges_it_leaves_out(make_run: MakeRun) -> None:
    studio, photo_like = make_run("a").steps[:2]
    even, natural = (read_coverage(step.stage, Path(step.folder)) for step in (studio, photo_like))
    assert even
    assert natural
    assert even.is_even
    assert not natural.is_even
    assert (even.num_pairs, natural.num_pairs) == (40, 8)
    assert even.num_sliders == 12
    assert set(even.with_gaps) < {slider.name for sliders in even.groups.values() for slider in sliders}
    assert len(natural.measured) == 5
    assert not even.measured


def test_a_histogram_is_well_formed_and_its_label_cannot_break_out() -> None:
    drawing = ElementTree.fromstring(draw_histogram([0, 3, 1], "jaw <tx> & more", expected=1.5))
    assert drawing.attrib["aria-label"] == "jaw <tx> & more"
    assert drawing.find("line") is not None


def test_an_empty_histogram_can_be_drawn() -> None:
    ElementTree.fromstring(draw_histogram([0, 0], "nothing"))


def test_the_map_has_the_maximum_on_top_and_is_opaque_where_most_was_drawn() -> None:
    picture = draw_map([np.array([8, 1, 1, 0, 0]), np.array([2, 2, 2, 2, 2])])
    assert picture.shape == (5, 2, 4)
    assert picture[:, 0, 3].tolist() == [0, 0, 64, 64, 255]
    assert picture[:, 1, 3].tolist() == [128] * 5


@pytest.mark.parametrize("values", [np.zeros(0), np.full(3, np.nan)])
def test_a_slider_of_no_pairs_is_an_empty_histogram(values: np.ndarray) -> None:
    assert count_slider(SLIDER, values).sum() == 0
