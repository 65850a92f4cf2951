"""What commands share: moments as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import pytest

from detente.cli.command import TimestampParam


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-06-15T09:00Z", datetime(2026, 6, 15, 9, tzinfo=UTC)),
        ("2026-06-15T09:00", datetime(2026, 6, 15, 9, tzinfo=UTC)),
        ("2026-06-15T09:00+02:00", datetime(2026, 6, 15, 7, tzinfo=UTC)),
        ("2026-06-15", datetime(2026, 6, 15, tzinfo=UTC)),
        ("2026-07-01T00:30+02:00", datetime(2026, 6, 30, 22, 30, tzinfo=UTC)),  # another day, another month
    ],
)
def test_a_moment_is_in_utc(typed: str, meant: datetime) -> None:
    found = TimestampParam().convert(typed, None, None)
    assert found == meant
    assert found.tzinfo is UTC  # days and hours are read off it
    assert found.date() == meant.date()


@pytest.mark.parametrize("typed", ["9999-12-31T23:59:59Z", "9999-12-31T23:30Z", "9999-01-01T00:30+00:00"])
def test_a_moment_from_which_time_cannot_go_on(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is too late; write a year before 9999"):
        TimestampParam().convert(typed, None, None)
    assert TimestampParam().convert("9998-12-31T23:59:59Z", None, None).year == 9998


@pytest.mark.parametrize("typed", ["noon", "", "2026-13-01", "0001-01-01T00:00+02:00", "9999-12-31T23:59-02:00"])
def test_what_is_no_moment(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a time; write for example 2026-06-15T09:00Z"):
        TimestampParam().convert(typed, None, None)
