from __future__ import annotations

import pytest

from flows.reports.formats import (
    format_bytes,
    format_duration,
    format_figure,
    format_number,
    format_rate,
    format_setting,
)


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (61, "1 min 1 s"),
        (119.7, "2 min 0 s"), (3599.6, "1 h 0 min"), (7500, "2 h 5 min"), (200_000, "55 h 33 min"),
    ],
)  # fmt: skip
def test_a_duration_is_read_at_a_glance(seconds: float, says: str) -> None:
    assert format_duration(seconds) == says


@pytest.mark.parametrize(
    ("value", "says"),
    [(0.01731, "0.0173"), (0.6387, "0.639"), (2000, "2,000"), ("yes", "yes"), (True, "yes"), (float("nan"), "–")],
)
def test_a_figure_has_as_many_digits_as_it_needs(value: object, says: str) -> None:
    assert format_figure(value) == says


def test_sizes_rates_numbers_and_settings() -> None:
    assert [format_bytes(size) for size in (12, 3400, 999_000, 67_900_000, 5e12)] == [
        "12 B", "3.4 kB", "999 kB", "67.9 MB", "5.0 TB",
    ]  # fmt: skip
    assert [format_rate(rate) for rate in (416.2, 1.234, 0.012)] == ["416 /s", "1.2 /s", "0.012 /s"]
    assert [format_number(value) for value in (56.0, 0.02121, -2.2, float("inf"))] == ["56", "0.02121", "-2.2", "–"]
    assert [format_setting(value) for value in (None, "adam", 0.5, [1, 2], False)] == [
        "–", "adam", "0.5", "[1, 2]", "false",
    ]  # fmt: skip
