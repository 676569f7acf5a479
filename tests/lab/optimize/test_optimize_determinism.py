"""Equal histories give equal suggestions: in any process, order, state of torch, and after a resume."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import warnings
from dataclasses import asdict

import numpy as np

from lab.optimize import Factor, Space, Suggestion, TrialRecord, suggest
from lab.optimize.model.likelihood import precision

SPACE = Space(
    factors=(
        Factor(name="a", unit="mL", minimum=0.5, maximum=7.0),
        Factor(name="b", unit="mL", minimum=0.0, maximum=3.0),
        Factor(name="t", unit="degC", minimum=20.0, maximum=60.0),
    )
)

_PROGRAM = """
import json, sys
from pydantic import TypeAdapter
from lab.optimize import Space, TrialRecord, suggest
document = json.load(sys.stdin)
space = TypeAdapter(Space).validate_python(document["space"])
history = [TrialRecord.model_validate(record) for record in document["history"]]
items = suggest(space, "maximize", history, 3, seed=11, initial=6)
print(json.dumps([item.model_dump() for item in items]))
"""


def _outcome(suggestion: Suggestion) -> TrialRecord:
    """Deterministic per trial, as a journal would give it back."""
    rng = random.Random(suggestion.number)
    if suggestion.number % 7 == 0:
        return TrialRecord(number=suggestion.number, factors=suggestion.factors, status="failed")
    a, b, t = suggestion.factors.values()
    value = -((a - 4) ** 2) - (b - 1) ** 2 - ((t - 40) / 10) ** 2 + rng.gauss(0, 0.05)
    return TrialRecord(
        number=suggestion.number, factors=suggestion.factors, status="done", value=value
    )


def _campaign(trials: int) -> tuple[list[TrialRecord], list[list[Suggestion]]]:
    history: list[TrialRecord] = []
    batches: list[list[Suggestion]] = []
    while len(history) < trials:
        batches.append(suggest(SPACE, "maximize", history, 2, seed=11, initial=6))
        history += [_outcome(item) for item in batches[-1]]
    return history, batches


def test_two_processes_agree_to_the_last_bit():
    history, _ = _campaign(12)
    document = json.dumps(
        {
            "space": asdict(SPACE),
            "history": [record.model_dump() for record in history],
        }
    )
    answers: list[str] = []
    for threads, hash_seed in (("1", "1"), ("2", "77")):
        process = subprocess.run(
            [sys.executable, "-W", "error", "-c", _PROGRAM],
            input=document,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={
                **os.environ,
                "OMP_NUM_THREADS": threads,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        assert process.returncode == 0, process.stderr
        assert process.stderr == ""
        answers.append(process.stdout)
    assert answers[0] == answers[1]
    here = suggest(SPACE, "maximize", history, 3, seed=11, initial=6)
    assert json.loads(answers[0]) == [item.model_dump() for item in here]
    assert [item.origin for item in here] == ["model"] * 3


def test_a_resumed_campaign_asks_for_what_the_unbroken_one_asked():
    history, batches = _campaign(14)
    for cut in (0, 4, 6, 10):
        replayed = [
            TrialRecord.model_validate_json(record.model_dump_json()) for record in history[:cut]
        ]
        for batch in batches[cut // 2 :]:
            items = suggest(SPACE, "maximize", replayed, 2, seed=11, initial=6)
            assert items == batch
            replayed += [_outcome(item) for item in items]
        assert replayed == history


def test_the_order_of_the_history_does_not_matter():
    history, _ = _campaign(10)
    shuffled = history[:]
    random.Random(1).shuffle(shuffled)
    assert shuffled != history
    ask = [suggest(SPACE, "maximize", h, 2, seed=11, initial=6) for h in (history, shuffled)]
    assert ask[0] == ask[1]


def test_the_order_of_the_factors_in_a_record_does_not_matter():
    history, _ = _campaign(10)
    turned = [
        record.model_copy(update={"factors": dict(sorted(record.factors.items(), reverse=True))})
        for record in history
    ]
    assert list(turned[0].factors) == ["t", "b", "a"]
    ask = [suggest(SPACE, "maximize", h, 2, seed=11, initial=6) for h in (history, turned)]
    assert ask[0] == ask[1]


def test_a_larger_batch_begins_with_the_smaller_one():
    history, _ = _campaign(10)
    two = suggest(SPACE, "maximize", history, 2, seed=11, initial=6)
    three = suggest(SPACE, "maximize", history, 3, seed=11, initial=6)
    assert three[:2] == two


def test_seed_history_and_direction_each_make_a_difference():
    history, _ = _campaign(10)
    plain = suggest(SPACE, "maximize", history, 1, seed=11, initial=6)
    assert suggest(SPACE, "maximize", history, 1, seed=12, initial=6) != plain
    assert suggest(SPACE, "maximize", history[:-1], 1, seed=11, initial=6) != plain
    assert suggest(SPACE, "minimize", history, 1, seed=11, initial=6) != plain


def test_torch_is_left_as_it_was_found_and_does_not_matter():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

    history, _ = _campaign(10)
    threads = torch.get_num_threads()
    answers: list[list[Suggestion]] = []
    for state in (1, 2):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        answers.append(suggest(SPACE, "maximize", history, 1, seed=11, initial=6))
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.get_num_threads() == threads
        assert torch.get_default_dtype() == torch.float32
    assert answers[0] == answers[1]


def test_torch_and_scipy_are_not_loaded_before_they_are_needed():
    program = (
        "import sys; from lab.optimize import *;"
        "heavy = {'torch', 'botorch', 'gpytorch', 'scipy', 'numpy'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "space = Space(factors=(Factor(name='a', unit='1', minimum=0, maximum=1),));"
        "suggest(space, 'maximize', [], 2, seed=0, initial=4);"
        "assert 'scipy' in sys.modules;"
        "assert not {'torch', 'botorch'} & set(sys.modules)"
    )
    process = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.returncode == 0, process.stderr


def test_where_memory_lies_changes_no_bit_of_a_density(monkeypatch):
    """Of a view with gaps numpy takes the logarithm in one of two ways, by where the result comes to lie; they differ in
    one of some thousand cases. So it must be given none.
    """
    logarithm, told = np.log, list[bool]()

    def watched(values: np.ndarray) -> np.ndarray:
        told.append(values.flags.c_contiguous)
        return logarithm(values)

    monkeypatch.setattr(np, "log", watched)
    solved = precision(np.diag([2.0, 3.0, 4.0]))
    assert solved is not None
    assert solved[1] == float(logarithm(np.array([2.0, 3.0, 4.0])).sum())
    assert told == [True]
