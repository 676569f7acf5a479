"""The campaign: best so far, the model with its uncertainty, every trial and why it was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.charts import best_figure, front_figure, left_out_figure, parity_figure, slice_figure
from dashboard.data import database, look, records_of
from dashboard.model import ModelDesk, fit_evidence, fit_slice
from dashboard.views.frame import REFRESH_S, figure, guarded, table
from dashboard.words import number, status_sign, unit_text, words_of
from lab.control.evidence import context_lines, evidence_lines, failure_line
from lab.domain.errors import LabError
from lab.domain.event import FactorSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.model import Slice
    from lab.domain.event import FactorValue
    from lab.domain.state import CampaignState
    from lab.optimize.evidence import Evidence
    from lab.records.rows import Row

__all__ = ["show", "trial_table"]

_ONE = "(one factor)"
_FEWEST = 3


@st.cache_resource(show_spinner=False)
def _desk() -> ModelDesk[Slice]:
    return ModelDesk(fit_slice)


@st.cache_resource(show_spinner=False)
def _evidence_desk() -> ModelDesk[Evidence]:
    return ModelDesk(fit_evidence)


def show() -> None:
    """Draw the page."""
    st.title("Campaign")
    _choose()


@guarded
def _choose() -> None:
    campaigns = look(database()).state.campaigns
    if not campaigns:
        st.info("No campaign has been started with these records.", icon=":material/info:")
        return
    names = list(campaigns)[::-1]
    if len(names) > 1:
        st.selectbox("Campaign", names, key="campaign")
    factors = list(_numeric(campaigns[_chosen(names)]))
    _progress(names)
    _proposed(names)
    st.subheader("What the model believes")
    with st.container(horizontal=True):
        st.selectbox("Along", factors, key="factor_x", width=260, format_func=words_of)
        st.selectbox(
            "and",
            [_ONE, *factors],
            index=min(2, len(factors)),
            key="factor_y",
            width=260,
            format_func=words_of,
        )
    _model(names)
    st.subheader("How far to trust it")
    _trust(names)
    st.subheader("Trials")
    _trials(names)


def _settings(factors: Mapping[str, FactorValue], campaign: CampaignState) -> str:
    """`dye red, dye volume 20 µL`"""
    units = {factor.name: factor.unit for factor in campaign.spec.factors}
    return ", ".join(
        f"{words_of(name)} {number(value)} {unit_text(units.get(name, ''))}".rstrip()
        for name, value in factors.items()
    )


def _numeric(campaign: CampaignState) -> dict[str, FactorSpec]:
    """The factors that make an axis; choices don't."""
    return {item.name: item for item in campaign.spec.factors if isinstance(item, FactorSpec)}


def _chosen(names: list[str]) -> str:
    name = st.session_state.get("campaign")
    return name if name in names else names[0]


@st.fragment(run_every=REFRESH_S)
@guarded
def _progress(names: list[str]) -> None:
    view = look(database())
    campaign = view.state.campaigns[_chosen(names)]
    spec, trials = campaign.spec, list(campaign.counting)
    sign = status_sign(campaign.status)
    why = f" ({campaign.reason})" if campaign.reason else ""
    st.markdown(
        f"**{spec.title}** · {sign.glyph} {sign.word}{why} · {spec.objective.direction} "
        f"{spec.objective.result} in {spec.objective.unit} · {spec.method}, {spec.initial} initial trials, "
        f"then batches of {spec.batch}"
    )
    known = any(t.predicted_mean is not None and t.value is not None for t in trials)
    left, right = st.columns([2, 1]) if known else (st.container(), None)
    with left:
        st.markdown("**Best so far**")
        figure(best_figure(trials, spec.objective), key="best", alt="Best value by trial")
    if right is not None:
        with right:
            st.markdown("**Foretold and measured**")
            figure(
                parity_figure(trials, spec.objective),
                key="parity",
                alt="Predicted against measured values",
            )
    if campaign.target:
        quick = sum(t.value is not None for t in campaign.trials.values()) - sum(
            t.value is not None for t in trials
        )
        left = (
            "" if spec.cost_budget is None else f"; a cost of {number(campaign.cost_left)} is left"
        )
        st.markdown(
            f"Shown are trials measured by **{campaign.target}**, which counts; {quick} by quicker ways teach{left}."
        )
    best = campaign.best()
    if best is not None:
        where = _settings(best.factors, campaign)
        sd = f" ± {number(best.standard_deviation, 2)}" if best.standard_deviation else ""
        st.markdown(
            f"Best measured: **{best.mark(spec.objective.result)}{number(best.value)}{sd} {spec.objective.unit}** in trial {best.number} at {where}."
        )
    if campaign.aim is not None:
        _front(campaign)
    if campaign.nearness is not None:
        near = campaign.nearness
        unit = near.unit or spec.objective.unit
        st.markdown(
            f"Trial {near.trial} is within {number(near.within)} {unit} of the optimum with a "
            f"probability of **{near.probability:.0%}**; {number(near.expected_gain)} {unit} are left to gain."
        )
    for veto in campaign.vetoes:
        st.markdown(f"Vetoed by {veto.actor}: `{veto.condition}` ({veto.reason})")
    st.caption(f"Data as of {view.read_at:%H:%M:%S}, event {view.document['seq']}.")


@st.fragment(run_every=REFRESH_S)
@guarded
def _proposed(names: list[str]) -> None:
    """The open trials, each with why it was proposed, and how the latest failed."""
    name = _chosen(names)
    document = next(c for c in look(database()).document["campaigns"] if c["campaign"] == name)
    unit, campaign = document["objective"]["unit"], look(database()).state.campaigns[name]
    for line in context_lines(document["context"]):
        st.markdown(f"- {line}")
    if document["awaited"] is not None:
        st.warning(
            f"Nothing is proposed: {document['awaited']['detail']}.", icon=":material/warning:"
        )
    if document["proposed"]:
        st.subheader("Under way, and why")
    for item in document["proposed"]:
        with st.container(border=True, key=f"card-proposed-{item['trial']}"):
            factors = _settings(item["factors"], campaign)
            waits = " · waits for approval" if item["waits_for_approval"] else ""
            state = "begun" if item["begun"] else f"not begun{waits}"
            by = f" · measured by {item['fidelity']}" if item["fidelity"] else ""
            st.markdown(f"**Trial {item['trial']}** · {state} · {factors}{by}")
            st.caption(f"By {item['origin']}: {item['note']}")
            for line in evidence_lines(item, unit, document["cost_unit"]):
                st.markdown(f"- {line}")
    told = document["outside"]
    if told["latest"]:
        best = (
            "" if told["best"] is None else f", the best {number(told['best'])} {unit_text(unit)}"
        )
        st.markdown(
            f"{told['done'] + told['failed']} results from outside ({told['failed']} of them failures{best}); "
            f"the last {told['latest']}"
        )
    for item in document["failures"]:
        sign = status_sign("withdrawn" if item["withdrawn"] else "failed")
        st.markdown(f"{sign.glyph} Trial {item['trial']} {failure_line(item)}")


def _front(campaign: CampaignState) -> None:
    """What several outcomes have come to: the limits, the front as a picture where it has one, and in numbers."""
    aim = campaign.aim
    if aim is None:
        return
    if aim.limits:
        st.markdown(f"Limits on results: {'; '.join(limit.words for limit in aim.limits)}")
    front = campaign.front()
    if len(campaign.objectives) > 1:
        st.markdown("**Trials that no other beats**")
        numbers = [trial.number for trial in front]
        trials = list(campaign.trials.values())
        figure(front_figure(trials, campaign.objectives, numbers), key="front", alt="Front")
    if not front:
        st.info("No trial has kept all limits yet.", icon=":material/info:")
        return
    units = {o.result: o.unit for o in (*campaign.objectives, *campaign.spec.limits)}
    for trial in front:
        given = ", ".join(
            f"{words_of(name)} {trial.mark(name)}{number(value)} {unit_text(units[name])}"
            for name, value in trial.outcomes.items()
        )
        st.markdown(f"- trial {trial.number}: {given}")
    volume = aim.volume(campaign.trials.values())
    if volume is not None:
        st.caption(f"Volume between the front and the worst values: {number(volume)}")


@st.fragment(run_every=REFRESH_S)
@guarded
def _model(names: list[str]) -> None:
    state = look(database()).state
    campaign = state.campaigns[_chosen(names)]
    x, y = st.session_state.get("factor_x"), st.session_state.get("factor_y")
    factors = _numeric(campaign)
    if not factors:
        st.info("Choices make no axis; the table of trials shows them.", icon=":material/info:")
        return
    if x not in factors:
        x = next(iter(factors))
    y = y if y in factors and y != x else None
    if not campaign.measured:
        st.info("The model can be asked after the first results.", icon=":material/info:")
        return
    try:
        found, fresh = _desk().slice(state, campaign, x, y)
    except LabError as error:
        st.warning(f"No model: {error.message}. {error.hint}", icon=":material/warning:")
        return
    if found is None:
        st.info(
            "The model is being fitted; it appears here by itself.", icon=":material/hourglass_top:"
        )
        return
    _draw_model(campaign, x, y, found)
    others = [item.name for item in campaign.spec.factors if item.name not in (x, y)]
    held = (
        f" The others ({', '.join(others)}) are held where the best trial had them."
        if others
        else ""
    )
    finished = sum(trial.status != "pending" for trial in campaign.trials.values())
    state = f"Fitted to {finished} finished trials." if fresh else "A newer fit is being made."
    st.caption(f"{state}{held} Dots are measured trials with their number, ✖ failed ones.")


@st.fragment(run_every=2 * REFRESH_S)
@guarded
def _trust(names: list[str]) -> None:
    """Each trial as the others foretell it, and how these predictions came out."""
    state = look(database()).state
    campaign = state.campaigns[_chosen(names)]
    told = [t for t in campaign.outside if t.fidelity == campaign.target]
    if sum(trial.value is not None for trial in (*told, *campaign.counting)) < _FEWEST:
        st.info("This can be told after three results.", icon=":material/info:")
        return
    try:
        found, fresh = _evidence_desk().slice(state, campaign, "", None)
    except LabError as error:
        st.warning(f"{error.message}. {error.hint}", icon=":material/warning:")
        return
    if found is None:
        st.info("It is being computed; it appears here by itself.", icon=":material/hourglass_top:")
        return
    left, right = st.columns([2, 1])
    with left:
        st.markdown("**Each trial, foretold by all the others**")
        figure(
            left_out_figure(found.left_out, campaign.spec.objective),
            key="left-out",
            alt="Leave-one-out predictions against measured values",
        )
    told = found.calibration
    with right:
        st.markdown(f"The model is **{told.words}**.")
        st.markdown(
            f"- {told.coverage_50:.0%} and {told.coverage_90:.0%} of the outcomes lie in its 50 % and 90 % intervals\n"
            f"- mean squared z {told.mean_squared_z:.2f} (1 is right, above it is too sure)\n"
            f"- log loss {told.log_loss:.2f} (1.42 without a model)"
        )
        for item in found.importances:
            share = "" if item.total is None else f": {item.total:.0%} of what varies"
            st.markdown(f"- {words_of(item.factor)}{share}")
    st.caption("" if fresh else "Newer trials are being looked at.")


def _draw_model(campaign: CampaignState, x: str, y: str | None, found: Slice) -> None:
    units = {factor.name: factor.unit for factor in campaign.spec.factors}
    objective = campaign.spec.objective
    done = [t for t in campaign.counting if t.value is not None]
    labels = (
        f"{words_of(x)} ({unit_text(units[x])})",
        f"{words_of(y)} ({unit_text(units[y])})" if y else "",
        f"{words_of(objective.result)} ({unit_text(objective.unit)})",
    )
    if y is None:
        points = [(float(t.factors[x]), float(t.value or 0.0), t.number) for t in done]
        line = slice_figure(found.x, (), found.mean, found.sd, labels, points)
        figure(line, key="slice", alt="Model along one factor")
        return
    points = [(float(t.factors[x]), float(t.factors[y]), t.number) for t in done]
    failed = [
        (float(t.factors[x]), float(t.factors[y]), t.number)
        for t in campaign.trials.values()
        if t.status == "failed"
    ]
    left, right = st.columns(2)
    with left:
        st.markdown("**Mean**")
        mean = slice_figure(found.x, found.y, found.mean, found.sd, labels, points, failed=failed)
        figure(mean, key="slice-mean", alt="Model mean")
    with right:
        st.markdown("**Uncertainty** (one standard deviation)")
        sd = slice_figure(
            found.x, found.y, found.mean, found.sd, labels, points, failed=failed, shown="sd"
        )
        figure(sd, key="slice-sd", alt="Model uncertainty")


@st.fragment(run_every=2 * REFRESH_S)
@guarded
def _trials(names: list[str]) -> None:
    name = _chosen(names)
    rows = records_of(database()).trials(name)
    spec = look(database()).state.campaigns[name].spec
    objective = spec.objective
    if not rows:
        st.caption("No trial has been proposed yet.")
        return
    unit = objective.unit
    table(
        trial_table(rows, [f.name for f in spec.factors if not isinstance(f, FactorSpec)]),
        key="trials",
        columns={
            "trial": st.column_config.NumberColumn("Trial", width="small"),
            "status": st.column_config.TextColumn("Status"),
            "value": st.column_config.NumberColumn(f"{objective.result} [{unit}]", format="%.4g"),
            "standard_deviation": st.column_config.NumberColumn(f"sd [{unit}]", format="%.2g"),
            "beyond": st.column_config.TextColumn("Beyond what is measurable"),
            "predicted_mean": st.column_config.NumberColumn(f"Predicted [{unit}]", format="%.4g"),
            "predicted_sd": st.column_config.NumberColumn(f"Predicted sd [{unit}]", format="%.2g"),
            "origin": st.column_config.TextColumn("Chosen by"),
            "fidelity": st.column_config.TextColumn("Measured by"),
            "nearest_trial": st.column_config.NumberColumn("Nearest trial", width="small"),
            "better": st.column_config.NumberColumn("Chance to be better", format="percent"),
            "chance": st.column_config.NumberColumn("Chance to succeed", format="percent"),
            "expected_cost": st.column_config.NumberColumn("Expected cost", format="%.4g"),
            "cost": st.column_config.NumberColumn("Cost", format="%.4g"),
            "cost_unit": st.column_config.TextColumn("Unit of the cost"),
            "explores": st.column_config.TextColumn("Explores", width="medium"),
            "note": st.column_config.TextColumn("Why", width="medium"),
            "reason": st.column_config.TextColumn("Why without a value", width="large"),
        },
        alt="All trials",
    )


def trial_table(rows: list[Row], choices: Sequence[str] = ()) -> list[Row]:
    """The trials' rows as people read them: newest first, factors beside the value, status as sign and word.
    `choices`: the factors that are names and have no unit."""
    people: list[Row] = []
    for row in reversed(rows):
        sign = status_sign(str(row["status"]))
        shown: Row = {"trial": row["trial"], "status": f"{sign.glyph} {sign.word}"}
        shown.update(
            {words_of(key): v for key, v in row.items() if key.endswith("]") or key in choices}
        )
        for key in (
            "value",
            "standard_deviation",
            "beyond",
            "predicted_mean",
            "predicted_sd",
            "origin",
            "fidelity",
            "nearest_trial",
            "better",
            "chance",
            "expected_cost",
            "cost",
            "cost_unit",
            "explores",
            "note",
            "reason",
        ):
            shown[key] = row[key]
        people.append(shown)
    # A column that is empty throughout tells nothing.
    kept = [key for key in people[0] if any(row[key] not in (None, "") for row in people)]
    return [{key: row[key] for key in kept} for row in people]
