"""`lab faults`: lives through simulated faults, and tells the story of a seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.faults.seed import SeedVerdict

__all__ = ["register"]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    faults = typer.Typer(
        help="Let a simulated lab go wrong in every way, from seeds, and check that it keeps its promises.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    faults.command()(run)
    faults.command()(replay)
    app.add_typer(faults, name="faults")


def run(
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds.")] = 1000,
    start: Annotated[int, typer.Option("--start", min=0, help="The first seed.")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, help="Processes; one for each processor if left out."),
    ] = None,
    as_json: _Json = False,
) -> int:
    """Run many seeds; exit code 1 where one breaks a law. Each failing seed is named as soon as it is found.

    Example: lab faults run --seeds 10000
    """
    from lab.faults.many import Total, run_seeds

    total = Total()
    for part in run_seeds(start, seeds, jobs):
        for seed, violations in part.failed:
            say(f"seed {seed}: {'; '.join(violations)}")
            say(f"     see its story: lab faults replay {seed}")
        total += part
        if total.seeds % 1000 == 0 and total.seeds < seeds:
            say(f"{total.seeds} of {seeds} seeds, {len(total.failed)} failed")
    document = {
        "first_seed": start,
        "seeds": total.seeds,
        "failed": [{"seed": seed, "violations": list(found)} for seed, found in total.failed],
        "doses": total.acts,
        "engine_restarts": total.restarts,
        "questions_to_people": total.asked,
        "virtual_hours": round(total.virtual_s / 3600, 2),
    }
    if as_json:
        print_json(document)
    else:
        print(
            f"{total.seeds} seeds, {len(total.failed)} failed; {total.acts} doses, {total.restarts} restarts of "
            f"engines, {total.asked} questions to people, {total.virtual_s / 3600:.1f} virtual hours"
        )
    return 1 if total.failed else 0


def replay(
    seed: Annotated[int, typer.Argument(help="The seed.", show_default=False)],
    as_json: _Json = False,
) -> int:
    """Tell the story of one seed, moment by moment; exit code 1 where it breaks a law.

    Example: lab faults replay 4711
    """
    from lab.faults.seed import run_seed

    verdict = run_seed(seed)
    if as_json:
        print_json(_document(verdict))
    else:
        for line in _timeline(verdict):
            print(line)
    return 1 if verdict.violations else 0


def _document(verdict: SeedVerdict) -> dict[str, object]:
    return {
        "seed": verdict.seed,
        "classes": sorted(verdict.knobs.classes),
        "violations": list(verdict.violations),
        "fingerprint": verdict.fingerprint,
        "story": [{"at_s": m.at_s, "who": m.who, "what": m.what} for m in verdict.story],
        "journal": [{"at_s": at_s, "event": body} for at_s, body in verdict.journal],
    }


def _timeline(verdict: SeedVerdict) -> list[str]:
    from lab.cli.event_text import event_text
    from lab.domain.event import event_from_json
    from lab.faults.knobs import CLASSES
    from lab.faults.story import Moment

    told = [
        Moment(at_s, "journal", f"{event.kind}: {event_text(event)}")
        for at_s, body in verdict.journal
        for event in (event_from_json(body),)
    ]
    moments = sorted([*verdict.story, *told], key=lambda moment: moment.at_s)
    faults = [f"  {number:2d} {CLASSES[number]}" for number in sorted(verdict.knobs.classes)]
    laws = [f"  {violation}" for violation in verdict.violations] or ["  none"]
    return [
        f"seed {verdict.seed}, {verdict.knobs.trials} trials; what may go wrong:",
        *(faults or ["  nothing"]),
        *(moment.line() for moment in moments),
        "broken laws:",
        *laws,
        f"fingerprint {verdict.fingerprint}",
    ]
