"""The unit in which a meter counts: that of what can run there, whatever else is sold."""

from __future__ import annotations

import pytest

from detente.case.counted_unit import counted_unit
from tests.builders import Data, agreement, build, compute, gpus, tokens, work


@pytest.mark.parametrize(
    ("measure", "of", "unit"),
    [
        ("taken", {"workload": "chat"}, "Mtok"),  # of the GPUs that are on offer, too, chat can take nothing
        ("taken", {"workload": "research"}, "GPU-hour"),
        ("work", {"workload": "research"}, "GPU-hour"),
        ("taken", {"offer": "north-api"}, "Mtok"),
        ("spend", {"kind": "inference"}, "USD"),
    ],
)
def test_a_meter_counts_in_the_unit_of_what_can_run_there(measure: str, of: Data, unit: str) -> None:
    share = {"id": "s", "kind": "share", "measure": measure, "at-most": "90%", "of": of}
    case = build([tokens("north", 3), gpus("north", 2)], [work(), compute()], agreement(share))
    (term,) = case.signed
    assert {counted_unit(case, meter) for meter in term.meters()} == {unit}
