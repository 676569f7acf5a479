"""A problem as a CP-SAT model.

One variable per operation where a move and what follows it are rigid (the usual case); equal machines are one
cumulative resource; batches are slots in which each operation has its place. See `lab.plan.model.problem` for what
the parts mean.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ortools.sat.python import cp_model

from lab.plan.cpsat.scales import horizon, scales
from lab.plan.cpsat.symmetry import alike
from lab.plan.model.problem import FOREVER, ORIGIN
from lab.plan.model.solution import Placed, excess

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from lab.plan.model.problem import Mark, Problem

    Expression = Any  # a variable, a linear expression or a number; the library has no name for it

__all__ = ["Built", "build"]


class Built:
    """The model of a problem, and how to read its solutions."""

    def __init__(self, problem: Problem, hint: Sequence[Placed], free: Collection[int]) -> None:
        """Operations that are not in `free` stay where the hint has them."""
        self.problem = problem
        self.model = cp_model.CpModel()
        self.hint = hint
        self.free = {n for n in free if problem.operations[n].fixed is None}
        self.horizon = horizon(problem, hint)
        self.exact = len(self.free) == sum(op.fixed is None for op in problem.operations)
        """Whether a bound of this model is one of the problem."""
        self.start: list[Expression] = []
        self.arrival: list[Expression] = []
        self.begin: list[Expression] = []
        self.end: list[Expression] = []
        self.way: list[list[tuple[int, Expression]]] = []
        """Modes and their literals; empty where there is one."""
        self.arm: list[list[tuple[int, Expression]]] = []
        self.taken: dict[int, list[tuple[Any, int]]] = defaultdict(list)
        """Resource -> intervals and amounts; of those that are restored, in `changes`."""
        self.changes: dict[int, list[tuple[Expression, int, Expression]]] = defaultdict(list)
        """Restored resource -> times, what is taken from then on (below 0: given back), literals."""
        self.restored = {
            use.resource
            for op in problem.operations
            for mode in op.modes
            for use in mode.uses
            if use.amount < 0
        }
        self.visits: dict[int, list[tuple[int, Expression]]] = defaultdict(list)
        """Station -> operations there and their literals."""

    def read(self, value: Callable[[Expression], int]) -> list[Placed]:
        """A plan from a function that gives the value of an expression."""
        found: list[Placed] = []
        for n, place in enumerate(self.hint):
            if n not in self.free:
                found.append(place)
                continue
            way = next((m for m, literal in self.way[n] if value(literal)), 0)
            arm = next((a for a, literal in self.arm[n] if value(literal)), None)
            if arm is None and self.problem.operations[n].carriers:
                arm = self.problem.operations[n].carriers[0]
            times = (int(value(part[n])) for part in (self.start, self.begin, self.end))
            found.append(Placed(way, arm, *times))
        return found


def build(problem: Problem, hint: Sequence[Placed], free: Collection[int]) -> Built:
    """The model, hinted with a complete plan and bounded by what that is worth."""
    built = Built(problem, hint, free)
    for n in range(len(problem.operations)):
        _times(built, n)
    for n in range(len(problem.operations)):
        _places(built, n)
    for station, resource in enumerate(problem.resources):
        if resource.batch:
            _batches(built, station)
        if resource.setup:
            _setups(built, station)
    for resource in range(len(problem.resources)):
        _limit(built, resource)
    broken = _lags(built)
    _symmetry(built)
    _objective(built, broken)
    return built


def _number(built: Built, low: int, high: int, value: int, name: str) -> Expression:
    """A variable with its hint."""
    variable = built.model.new_int_var(low, max(low, high), name)
    built.model.add_hint(variable, value)
    return variable


def _literal(built: Built, value: bool, name: str) -> Expression:
    literal = built.model.new_bool_var(name)
    built.model.add_hint(literal, value)
    return literal


def _times(built: Built, n: int) -> None:
    op, place, model = built.problem.operations[n], built.hint[n], built.model
    before = 0 if op.comes_from is None else built.hint[op.comes_from].mode
    if n not in built.free:
        arrival = place.start
        if place.carrier is not None:
            arrival += built.problem.move(n, place.mode, before)
        built.start.append(place.start)
        built.arrival.append(arrival)
        built.begin.append(place.begin)
        built.end.append(place.end)
        built.way.append([])
        built.arm.append([])
        return
    modes, horizon = op.modes, built.horizon
    start = _number(built, op.release, horizon, place.start, f"start {n}")
    way: list[tuple[int, Expression]] = []
    if len(modes) > 1:
        way = [(m, _literal(built, m == place.mode, f"mode {n} {m}")) for m in range(len(modes))]
        model.add_exactly_one(literal for _, literal in way)
    arm: list[tuple[int, Expression]] = []
    if len(op.carriers) > 1:
        arm = [(a, _literal(built, a == place.carrier, f"arm {n} {a}")) for a in op.carriers]
        model.add_exactly_one(literal for _, literal in arm)
    built.way.append(way)
    built.arm.append(arm)
    arrival: Expression = start + _move(built, n, before)
    if not isinstance(arrival, int) and _variables(arrival) > 1:
        hinted = place.start + built.problem.move(n, place.mode, before)
        moved, arrival = arrival, _number(built, 0, horizon, hinted, f"arrival {n}")
        model.add(arrival == moved)
    batch = any(m.station is not None and built.problem.resources[m.station].batch for m in modes)
    begin: Expression = arrival
    if batch:
        begin = _number(built, 0, horizon, place.begin, f"begin {n}")
        model.add(begin >= arrival)
    durations = {mode.duration for mode in modes}
    if len(durations) == 1:
        end = begin + durations.pop()
        model.add(end <= horizon)
    else:
        end = _number(built, 0, horizon, place.end, f"end {n}")
        for m, literal in way:
            model.add(end == begin + modes[m].duration).only_enforce_if(literal)
    built.start.append(start)
    built.arrival.append(arrival)
    built.begin.append(begin)
    built.end.append(end)


def _move(built: Built, n: int, hinted_before: int) -> Expression:
    """Time of the move; a variable only where it depends on the choice of stations."""
    problem = built.problem
    op = problem.operations[n]
    if not op.carriers:
        return 0
    earlier = op.comes_from if op.comes_from is not None and problem.travel else None
    ways_before = range(1)
    if earlier is not None:
        ways_before = range(len(problem.operations[earlier].modes))
        if earlier not in built.free:
            ways_before = (built.hint[earlier].mode,)
    times = {(m, b): problem.move(n, m, b) for m in range(len(op.modes)) for b in ways_before}
    if len(set(times.values())) == 1:
        return next(iter(times.values()))
    hinted = problem.move(n, built.hint[n].mode, hinted_before)
    move = _number(built, min(times.values()), max(times.values()), hinted, f"move {n}")
    literals_before = dict(built.way[earlier]) if earlier is not None else {}
    for (m, b), time in times.items():
        conditions = [literal for mode, literal in built.way[n] if mode == m]
        conditions += [literals_before[b]] if b in literals_before else []
        built.model.add(move == time).only_enforce_if(conditions)
    return move


def _interval(
    built: Built, start: Expression, end: Expression, size: int, literal: Expression, name: str
) -> Expression:
    """From start to end; `size` is the hint of its length."""
    model = built.model
    length = end - start
    value = length if isinstance(length, int) else _constant(length)
    if value is not None:
        if literal is None:
            return model.new_interval_var(start, value, end, name)
        return model.new_optional_interval_var(start, value, end, literal, name)
    variable = _number(built, 0, built.horizon, size, f"length of {name}")
    if literal is None:
        return model.new_interval_var(start, variable, end, name)
    return model.new_optional_interval_var(start, variable, end, literal, name)


def _variables(expression: Expression) -> int:
    flat: Any = cp_model.FlatIntExpr(expression)
    return len(flat.vars)


def _constant(expression: Expression) -> int | None:
    """The value of an expression in which all variables cancel."""
    flat = cp_model.FlatIntExpr(expression)
    if any(flat.coeffs):
        return None
    return int(flat.offset)


def _left(built: Built, n: int) -> tuple[Expression, int]:
    """When the place is free again, and what the hint says."""
    after = built.problem.operations[n].fetched_by
    if after is None:
        return built.end[n], built.hint[n].end
    before = built.hint[n].mode
    move = built.problem.move(after, built.hint[after].mode, before)
    return built.arrival[after], built.hint[after].start + move


def _places(built: Built, n: int) -> None:
    """What an operation takes: station, arm, and the rest."""
    op, place = built.problem.operations[n], built.hint[n]
    left, hinted = _left(built, n)
    chosen = built.way[n] if n in built.free else []
    for m, mode in enumerate(op.modes):
        literal = dict(chosen).get(m)
        if literal is None and m != place.mode and (n not in built.free or len(op.modes) > 1):
            continue
        if mode.station is not None and not built.problem.resources[mode.station].batch:
            end = left
            if literal is not None and op.fetched_by is None:
                end = built.begin[n] + mode.duration
            name = f"stay {n} {m}"
            size = hinted - place.start
            _take(built, mode.station, 1, built.start[n], end, size, literal, name)
            built.visits[mode.station].append((n, literal))
        for k, use in enumerate(mode.uses):
            begin = built.begin[n] + use.begin
            name = f"use {n} {m} {k}"
            if use.end is not None and use.end >= FOREVER:
                # whatever is used up is taken until after all ends
                until = built.horizon + 1
            else:
                until = built.begin[n] + (mode.duration if use.end is None else use.end)
            size = built.horizon + 1 - place.begin - use.begin
            _take(built, use.resource, use.amount, begin, until, size, literal, name)
    if place.carrier is None:
        return
    arms = built.arm[n] if n in built.free and built.arm[n] else [(place.carrier, None)]
    for arm, literal in arms:
        size = place.begin - place.start
        start, arrival = built.start[n], built.arrival[n]
        _take(built, arm, 1, start, arrival, size, literal, f"carry {n} {arm}")


def _take(
    built: Built,
    resource: int,
    amount: int,
    start: Expression,
    end: Expression,
    size: int,
    literal: Expression,
    name: str,
) -> None:
    if resource in built.restored:
        present = 1 if literal is None else literal
        built.changes[resource] += [(start, amount, present), (end, -amount, present)]
    else:
        interval = _interval(built, start, end, size, literal, name)
        built.taken[resource].append((interval, amount))


def _limit(built: Built, number: int) -> None:
    """No more is taken of a resource than there is, nor given back than was taken."""
    resource, parts = built.problem.resources[number], built.taken[number]
    if number in built.restored:
        changes = list(built.changes[number])
        for closed in resource.closed:
            changes += [(closed.start, closed.amount, 1), (closed.end, -closed.amount, 1)]
        # what is for ever ends together, after all else
        changes = [change for change in changes if not _for_ever(built, change[0])]
        times, amounts, present = (list(part) for part in zip(*changes, strict=True))
        built.model.add_reservoir_constraint_with_active(
            times, amounts, present, 0, resource.capacity
        )
        return
    if not parts:
        return
    for closed in resource.closed:
        end = min(closed.end, 2 * built.horizon + 2)
        if end > closed.start:
            interval = built.model.new_fixed_size_interval_var(
                closed.start, end - closed.start, f"closed {number}"
            )
            parts.append((interval, min(closed.amount, resource.capacity)))
    if resource.capacity == 1:
        built.model.add_no_overlap([interval for interval, _ in parts])
    else:
        built.model.add_cumulative(
            [interval for interval, _ in parts], [amount for _, amount in parts], resource.capacity
        )


def _for_ever(built: Built, time: Expression) -> bool:
    return isinstance(time, int) and time > built.horizon


def _batches(built: Built, station: int) -> None:
    """Slots in the order of the hint's batches; operations choose among those of their programme."""
    problem, model = built.problem, built.model
    here = [
        n
        for n, op in enumerate(problem.operations)
        if op.modes[built.hint[n].mode].station == station
    ]
    slots: dict[int, list[int]] = defaultdict(list)
    for n in here:
        slots[built.hint[n].begin].append(n)
    built.exact = False
    by_class: dict[tuple[str, int], list[tuple[Expression, Expression, Expression]]]
    by_class = defaultdict(list)
    members: dict[tuple[str, int, int], list[Expression]] = defaultdict(list)
    for begin, group in sorted(slots.items()):
        op = problem.operations[group[0]]
        duration = op.modes[built.hint[group[0]].mode].duration
        opened = min(built.hint[n].start for n in group)
        if any(n not in built.free for n in group):
            first: Expression = opened
            run: Expression = begin
        else:
            first = _number(built, 0, built.horizon, opened, f"open {station} {begin}")
            run = _number(built, 0, built.horizon, begin, f"run {station} {begin}")
            model.add(run + duration <= built.horizon)
        out = [problem.operations[n].fetched_by for n in group]
        done: Expression = run + duration
        until = begin + duration
        if any(after is not None for after in out):
            until = max(_left(built, n)[1] for n in group)
            done = _number(built, 0, built.horizon, until, f"empty {station} {begin}")
            model.add(done >= run + duration)
        name = f"batch {station} {begin}"
        interval = _interval(built, first, done, until - opened, None, name)
        built.taken[station].append((interval, problem.resources[station].capacity))
        by_class[op.programme, duration].append((first, run, done))
    for n in here:
        op = problem.operations[n]
        kind = op.programme, op.modes[built.hint[n].mode].duration
        hinted = built.hint[n].begin
        runs = sorted({built.hint[k].begin for k in here if _kind(built, k) == kind})
        choice: list[Expression] = []
        for number, (slot, begin) in enumerate(zip(by_class[kind], runs, strict=True)):
            literal = _literal(built, begin == hinted, f"in {n} {number}")
            if n not in built.free:
                model.add(literal == (begin == hinted))
            choice.append(literal)
            members[(*kind, number)].append(literal)
            first, run, done = slot
            model.add(built.begin[n] == run).only_enforce_if(literal)
            model.add(built.start[n] >= first).only_enforce_if(literal)
            if op.fetched_by is not None:
                model.add(_left(built, n)[0] <= done).only_enforce_if(literal)
        model.add_exactly_one(choice)
    for literals in members.values():
        model.add(sum(literals) <= problem.resources[station].capacity)
    for group in by_class.values():
        for one, two in pairwise(group):
            model.add(one[1] <= two[1])


def _kind(built: Built, n: int) -> tuple[str, int]:
    op = built.problem.operations[n]
    return op.programme, op.modes[built.hint[n].mode].duration


def _setups(built: Built, station: int) -> None:
    """A circuit through the visits of a station, each arc with its set-up."""
    model, resource = built.model, built.problem.resources[station]
    arcs: list[tuple[int, int, Expression]] = [(0, 0, model.new_bool_var(f"idle {station}"))]
    visits = built.visits[station]
    for i, (n, literal) in enumerate(visits, 1):
        arcs.append((0, i, model.new_bool_var(f"first {station} {n}")))
        arcs.append((i, 0, model.new_bool_var(f"last {station} {n}")))
        if literal is not None:
            arcs.append((i, i, literal.negated()))
        left, family = _left(built, n)[0], built.problem.operations[n].family
        for j, (other, _) in enumerate(visits, 1):
            if i == j:
                continue
            follows = model.new_bool_var(f"{n} then {other}")
            arcs.append((i, j, follows))
            time = resource.setup.get((family, built.problem.operations[other].family), 0)
            model.add(built.start[other] >= left + time).only_enforce_if(follows)
    model.add_circuit(arcs)


def _mark(built: Built, n: int, mark: Mark) -> Expression:
    if n == ORIGIN:
        return 0
    parts = {"start": built.start, "begin": built.begin, "end": built.end}
    return parts[mark][n]


def _lags(built: Built) -> list[tuple[Expression, int]]:
    """Excess variables: (variable, penalty; 0 for a limit that the hint cannot keep either)."""
    found: list[tuple[Expression, int]] = []
    for number, lag in enumerate(built.problem.lags):
        if lag.first not in built.free and lag.second not in built.free:
            continue
        took = _mark(built, lag.second, lag.second_mark) - _mark(built, lag.first, lag.first_mark)
        over = max(0, excess(lag, built.hint))
        if lag.least is not None and (not over or lag.most is not None):
            built.model.add(took >= lag.least)
        if lag.most is None:
            continue
        if lag.penalty or over:
            beyond = _number(built, 0, built.horizon, over, f"beyond {number}")
            built.model.add(beyond >= took - lag.most)
            found.append((beyond, lag.penalty))
        else:
            built.model.add(took <= lag.most)
    return found


def _symmetry(built: Built) -> None:
    for group in alike(built.problem):
        for one, two in pairwise(group):
            for first, second in zip(one, two, strict=True):
                if first in built.free or second in built.free:
                    built.model.add(built.start[first] <= built.start[second])


def _objective(built: Built, beyond: Sequence[tuple[Expression, int]]) -> None:
    problem, model = built.problem, built.model
    ends: dict[int, list[int]] = defaultdict(list)
    for n, op in enumerate(problem.operations):
        ends[op.job].append(n)
    hinted = max(place.end for place in built.hint)
    makespan = _number(built, 0, built.horizon, hinted, "makespan")
    terms: list[Expression] = []
    weights = 0
    for number, job in enumerate(problem.jobs):
        if not ends[number]:
            continue  # all of it is done
        last = max(built.hint[n].end for n in ends[number])
        if not job.weight and (job.due is None or not job.tardiness):
            for n in ends[number]:
                model.add(makespan >= built.end[n])
            continue
        end = _number(built, 0, built.horizon, last, f"end of {number}")
        model.add(makespan >= end)
        for n in ends[number]:
            model.add(end >= built.end[n])
        terms.append(job.weight * end)
        weights += job.weight + job.tardiness
        if job.due is not None and job.tardiness:
            late = _number(built, 0, built.horizon, max(0, last - job.due), f"late {number}")
            model.add(late >= end - job.due)
            terms.append(job.tardiness * late)
    terms += [penalty * variable for variable, penalty in beyond if penalty]
    weights += sum(penalty for _, penalty in beyond)
    broken = [variable for variable, penalty in beyond if not penalty]
    scale, worst = scales(built.horizon, weights, len(broken))
    model.minimize(worst * sum(broken) + (scale * sum(terms) if terms else 0) + makespan)
    built.exact = built.exact and not terms and not broken
