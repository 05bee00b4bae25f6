from __future__ import annotations

from xml.etree import ElementTree

from flows.pictures.curves import draw_curve, standalone_drawing


def test_a_curve_is_well_formed_and_says_its_last_value() -> None:
    drawing = ElementTree.fromstring(draw_curve([(1, 0.5), (2, 0.25), (3, 0.125)], "held-out L1"))
    assert drawing.attrib["aria-label"] == "held-out L1: 0.125 after epoch 3"


def test_points_run_from_left_to_right_and_larger_values_lie_higher() -> None:
    drawing = ElementTree.fromstring(draw_curve([(1, 0.0), (2, 1.0)], "l1"))
    line = drawing.find("polyline")
    assert line is not None
    first, last = (tuple(map(float, point.split(","))) for point in line.attrib["points"].split())
    assert first[0] < last[0]
    assert first[1] > last[1]


def test_a_baseline_outside_the_points_is_inside_the_picture() -> None:
    drawing = ElementTree.fromstring(draw_curve([(1, 0.1), (2, 0.2)], "l1", baseline=0.9))
    [line] = [line for line in drawing.iter("line") if line.attrib["class"] == "baseline"]
    assert 0.0 < float(line.attrib["y1"]) < 200.0


def test_one_epoch_is_no_curve() -> None:
    assert draw_curve([(1, 0.5)], "l1") == ""


def test_a_constant_quantity_can_be_drawn() -> None:
    assert "polyline" in draw_curve([(1, 0.0), (2, 0.0)], "l1")


def test_a_label_cannot_break_out_of_the_drawing() -> None:
    ElementTree.fromstring(draw_curve([(1, 0.0), (2, 0.0)], '"><script>'))


def test_a_curve_over_something_else_than_epochs_says_so() -> None:
    drawing = draw_curve([(0, 0.5), (9, 0.25)], "loss", unit="step")
    assert ">step 0<" in drawing
    assert "epoch" not in drawing


def test_a_drawing_of_its_own_brings_its_title_and_colors() -> None:
    drawing = ElementTree.fromstring(standalone_drawing(draw_curve([(0, 0.5), (9, 0.25)], "loss"), "How <far>"))
    space = "{http://www.w3.org/2000/svg}"
    assert drawing.tag == f"{space}svg"
    assert "stroke" in (drawing.findtext(f"{space}style") or "")
    assert drawing.findtext(f"{space}text") == "How <far>"


def test_a_curve_to_compare_with_widens_both_axes_and_lies_behind() -> None:
    drawing = ElementTree.fromstring(draw_curve([(1, 0.5), (2, 0.4)], "l1", other=[(1, 0.9), (4, 0.1)]))
    behind, front = drawing.findall("polyline")
    assert [behind.attrib["class"], front.attrib["class"]] == ["curve other", "curve"]
    ends = [float(line.attrib["points"].split()[-1].split(",")[0]) for line in (front, behind)]
    assert ends[0] < ends[1]
    assert drawing.attrib["aria-label"] == "l1: 0.4 after epoch 2"
