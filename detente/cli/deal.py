"""`detente check --sign`: whether a deal can be signed.

Owns: where the deal comes from (a file, a scenario, an agreement), the exit code, and the JSON. Not here: any rule.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from detente.cli.command import console, load, must_take_files, notes_json, progress, text_of, time_left
from detente.cli.conflict import conflict_json

if TYPE_CHECKING:
    from detente.outcomes.deals.deal import DealAnswer


def signed(
    case: Path,
    deal: str,
    reading: str | None,
    scenario: str | None,
    beside: Sequence[Path],
    out: Path | None,
    time_limit: float | None,
    as_json: bool,
) -> int:
    """Ask, and show. Exit code 0: yes. 1: no, or it depends on the reading. 3: not settled before it was stopped."""
    from detente.outcomes.deals.sign import sign

    loaded = load(case, None, scenario, beside)
    known = {*(s.id for s in loaded.declared.scenarios), *(a.id for a in loaded.declared.agreements)}
    a_file = Path(deal).is_file()
    if a_file and deal in known:
        raise click.ClickException(f"--sign: `{deal}` is a file and a name in the case; write `./{deal}` for the file")
    given = load(case, None, scenario, [*beside, Path(deal)]) if a_file else deal
    if out is not None:
        must_take_files(out, "deal.json", "deal.html")
    found = sign(loaded, given, reading, time_limit=time_left(time_limit), progress=progress())
    text = json.dumps({**deal_json(found), "notes": notes_json(loaded)}, indent=1)
    trouble = None if out is None else _saved(found, text, out)
    if as_json:
        click.echo(text)
    else:
        from detente.report.outcomes.deal import deal_view

        deal_view(found, console())
    if trouble is not None:
        click.echo(text_of(trouble), err=True)
        return 2
    return {"yes": 0, "unsettled": 3}.get(found.answer, 1)


def _saved(found: DealAnswer, text: str, out: Path) -> OSError | None:
    """Save it, with its page. What hinders that is returned: the answer is shown all the same."""
    from detente.report.pages.deal_page import render_deal
    from detente.values.file import write

    try:
        for file, content in ((out / "deal.json", f"{text}\n"), (out / "deal.html", render_deal(found))):
            write(file, content.encode())
            click.echo(f"wrote {file}", err=True)
    except OSError as error:
        return error
    return None


def deal_json(found: Any) -> dict[str, Any]:
    """The answer for programs: money and shares as decimal strings."""
    from pydantic import TypeAdapter

    from detente.outcomes.deals.deal import DealWay, Due, Fee, SigningEffect
    from detente.outcomes.saved import SettledAnswer

    def plain(kind: Any, value: Any) -> Any:
        return TypeAdapter(kind).dump_python(value, mode="json")

    readings = [
        {
            "reading": row.reading,
            "answer": row.word,
            **{key: value for key, value in conflict_json(row.conflict).items() if key in ("conflict", "facts")},
            "before": [conflict_json(each) for each in row.before],
            "aside": list(row.aside),
            "fees": plain(tuple[Fee, ...], row.fees),
            "ways": plain(tuple[DealWay, ...], row.ways),
            "effect": plain(SigningEffect | None, row.effect),
        }
        for row in found.readings
    ]
    return {
        **{each.name: getattr(found, each.name) for each in fields(SettledAnswer)},
        "deal": found.deal,
        "answer": found.answer,
        "folded": found.folded,
        "readings": readings,
        "obligations": plain(tuple[Due, ...], found.obligations),
    }
