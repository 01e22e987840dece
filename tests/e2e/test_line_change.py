"""Terms of lines: two people who change them at once."""

from functools import partial

import pytest

from .world import at_once


def _apply(world, line, **values):
    wizard = world.odoo.create(
        "saperx.line.change.wizard", {"line_ids": [(6, 0, [line])], **values}
    )
    return partial(
        world.odoo.call, "saperx.line.change.wizard", "action_apply", [wizard]
    )


def _periods(world, line):
    """In order, each as (from, to, closing day)."""
    return sorted(
        (
            (period["date_from"] or "", period["date_to"], period["closing_day"])
            for period in world.odoo.search_read(
                "saperx.line.period",
                [("line_id", "=", line)],
                ["date_from", "date_to", "closing_day"],
            )
        ),
    )


def _assert_seamless(periods):
    assert periods[0][0] == "" and periods[-1][1] is False
    for former, period in zip(periods, periods[1:], strict=False):
        assert former[1] == period[0]


def test_two_people_plan_a_change_at_once_and_one_of_them_is_told(world):
    contract = world.contract()
    for _round in range(4):
        line = world.line(contract, closing_day=10)
        outcomes = at_once(*(_apply(world, line, closing_day=day) for day in (15, 20)))
        (refusal,) = filter(None, outcomes)
        day = (15, 20)[outcomes.index(None)]
        assert "planned already" in refusal or "está planejada" in refusal
        periods = _periods(world, line)
        _assert_seamless(periods)
        assert [period[2] for period in periods] == [10, day]


@pytest.mark.parametrize("way", ["write", "cancel"])
def test_a_change_is_planned_while_somebody_else_changes_the_line(world, way):
    contract = world.contract()
    for _round in range(4):
        line = world.line(contract, closing_day=10)
        values = {"billing_type": "prepaid"}
        if way == "cancel":
            other = partial(world.odoo.call, "saperx.line", "action_cancel", [line])
        else:
            other = partial(world.odoo.write, "saperx.line", [line], values)
        at_once(_apply(world, line, closing_day=15), other)
        periods = _periods(world, line)
        if way == "cancel":
            # Whoever came first: a line that is cancelled has nothing planned.
            assert len(periods) == 1 and periods[0][1]
        else:
            _assert_seamless(periods)
