"""How a gateway ends: well, whoever asks it to, and never in the middle of a call."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from detente.ledger.journals.journal import Journal
from tests.end_to_end.clients import of_openai
from tests.end_to_end.serving import Gateway, serving
from tests.end_to_end.wires import AZURE, EMBEDDING, NOVA, WIRES, case, written
from tests.waiting import PATIENCE, until

SLOW = case(
    {
        AZURE: ("azure", "azure", "gpt", {"play": {"first-token": "50 ms", "speed": "10 tok per second"}}),
        NOVA: (
            "aws",
            "bedrock",
            "eu.amazon.nova-pro-v1:0",
            {"play": {"speed": "10 tok per second"}, "regions": ["eu-central-1", "eu-west-1"]},
        ),
    }
)


@pytest.mark.parametrize(("name", "workers"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_signal_ends_it_with_exit_code_0_and_a_journal_that_is_closed(
    tmp_path: Path, name: signal.Signals, workers: int
) -> None:
    with serving(written(tmp_path / "case", WIRES), tmp_path, "--sandbox", "--workers", str(workers)) as gateway:
        with of_openai(gateway, "everything") as client:
            client.embeddings.create(model=EMBEDDING, input="x")
        gateway.tell(name)
        assert gateway.process.wait(PATIENCE) == 0
        assert gateway.said() == ""
        (record,) = gateway.records()
        assert record.outcome == "complete"
    Journal(tmp_path / "journal").close()  # nobody holds it any more
    with pytest.raises(ConnectionRefusedError):
        gateway.page("/healthz")


@pytest.mark.parametrize("workers", [1, 2])
def test_streams_under_way_are_drained_and_newcomers_are_not_taken(tmp_path: Path, workers: int) -> None:
    with serving(written(tmp_path / "case", SLOW), tmp_path, "--sandbox", "--workers", str(workers)) as gateway:
        with of_openai(gateway, "everything") as client:
            streams = [
                client.chat.completions.create(
                    model=model, messages=[{"role": "user", "content": "sandbox:tokens=40"}], stream=True
                )
                for model in (AZURE, NOVA, AZURE, NOVA)
            ]
            begun = [next(iter(stream)) for stream in streams]
            gateway.tell(signal.SIGTERM)
            until(lambda: _refuses(gateway), "it goes on to take connections")
            assert {r.outcome for r in gateway.records()} == {"begun"}, "they are refused while the streams go on"
            finishes = [[c.choices[0].finish_reason for c in stream if c.choices][-1] for stream in streams]
        assert len(begun) == 4
        assert finishes == ["stop"] * 4
        assert gateway.process.wait(PATIENCE) == 0
        assert gateway.said() == ""
        assert [record.outcome for record in gateway.records()] == ["complete"] * 4
        assert all(record.usage is not None and record.usage.output == 40 for record in gateway.records())


def _refuses(gateway: Gateway) -> bool:
    try:
        gateway.page("/readyz")
    except ConnectionRefusedError:
        return True
    return False
