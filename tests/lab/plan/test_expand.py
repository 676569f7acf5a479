"""Flat procedures as plans: loops, branches decided early and late, calls, late arguments, people, times."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, RefusedError
from lab.domain.plan import Guard, Plan
from lab.domain.quantity import Quantity
from lab.plan.bind import bind
from lab.plan.evaluate import evaluate_argument, evaluate_condition, evaluate_results
from lab.sop.unfold import Unfolded
from tests.support.flat_sops import HEAD, LAB, dose, expanded, lab_of, read, small, weigh

DEVICES = {"scale": ("weighing",), "pump": ("liquid_dosing",)}
LIMITED = "outputs: {mass: {minimum: 0 g, maximum: 9 g}}"
AMOUNT = """
parameters:
  amount: {unit: mL, minimum: 0 mL, maximum: 5 mL, default: 1 mL, role: factor}
  careful: {type: yes_no, default: false, role: fixed}
  liquid: {type: choice, choices: [water, brine], default: water, role: fixed}
"""
RESULT = "\nresults:\n  mass: {from: weigh.mass, unit: g}\n"


def plan_of(procedure, **fixed) -> Plan:
    return bind(procedure, {}, fixed, lab_of(LAB), CAPABILITIES, 1, DEVICES)[0]


def paths(found) -> list[str]:
    return [item.planned.path for item in found.steps]


def titration(until: str = "${check.mass > 5 g}", rounds: int = 3, more: str = ""):
    return small(f"""
  - id: titrate
    title: Titrate
    repeat:
      max_iterations: {rounds}
      until: {until}
{more}
      steps:
        - {dose("add")}
        - {weigh("check")}
  - {weigh()}
""")


def test_rounds_after_the_first_are_guarded_by_the_ones_before():
    found = expanded(titration())
    assert paths(found)[:3] == ["add[1]", "check[1]", "add[2]"]
    guards = {item.planned.path: item.planned.when for item in found.steps}
    assert guards["add[1]"] == ()
    assert guards["check[3]"] == (Guard(decision="titrate[2]", value=False),)
    assert guards["weigh"] == ()
    assert [item.path for item in found.decisions] == ["titrate[1]", "titrate[2]", "titrate[3]"]
    assert [item.failure for item in found.decisions[:2]] == ["", ""]
    assert found.decisions[2].failure == '"Titrate" did not reach its end within 3 rounds'
    assert found.decisions[2].kind == "loop"


def test_a_loop_that_may_run_out_fails_nothing():
    found = expanded(titration(more="      on_exhausted: continue"))
    assert {item.failure for item in found.decisions} == {""}


def test_an_end_that_is_known_beforehand_leaves_the_other_rounds_out():
    found = expanded(titration("${1 < 2}"))
    assert paths(found) == ["add[1]", "check[1]", "weigh"]
    assert found.decisions == ()
    assert found.steps[2].planned.needs == ("check[1]",)


def test_an_end_that_is_never_reached_is_refused():
    with pytest.raises(RefusedError, match="can never reach its end") as caught:
        expanded(titration("${1 > 2}"))
    assert caught.value.diagnostics[0].source_line.strip() == "until: ${1 > 2}"
    found = expanded(titration("${1 > 2}", more="      on_exhausted: continue"))
    assert len(found.steps) == 7
    assert found.decisions == ()


BRANCH = (
    AMOUNT
    + f"""
procedure:
  - {dose("first", "${amount}")}
  - id: check
    branch:
      when: WHEN
      then:
        - {weigh("slow")}
        - {weigh("slower")}
      else:
        - {weigh("quick")}
  - {weigh()}
"""
)


def branching(when: str, rest: str = RESULT):
    from tests.support.flat_sops import EQUIPMENT

    return read(EQUIPMENT + BRANCH.replace("WHEN", when) + rest)


@pytest.mark.parametrize(
    ("when", "fixed", "middle"),
    [
        ("${careful}", {}, ["quick"]),
        ("${careful}", {"careful": True}, ["slow", "slower"]),
        ("${amount > 2 mL}", {"amount": Quantity(3.0, "mL")}, ["slow", "slower"]),
        ("${amount > 2 mL}", {"amount": 2.0}, ["quick"]),
        ('${liquid == "brine"}', {"liquid": "brine"}, ["slow", "slower"]),
    ],
)
def test_a_branch_that_follows_from_the_parameters_is_taken_at_once(when, fixed, middle):
    found = expanded(branching(when), **fixed)
    assert paths(found) == ["first", *middle, "weigh"]
    assert found.decisions == ()
    assert all(item.planned.when == () for item in found.steps)
    # what waited for both branches waits for the one that is left, and for what was before the other
    assert middle[-1] in found.steps[-1].planned.needs
    assert set(found.steps[-1].planned.needs) <= {middle[-1], "first"}


def test_a_branch_that_depends_on_a_measurement_is_taken_in_the_run():
    sop = small(f"""
  - {weigh("tare")}
  - id: check
    title: Too light?
    branch:
      when: ${{tare.mass < 1 g}}
      then: [{weigh("slow")}]
  - {weigh()}
""")
    plan = plan_of(sop)
    (decision,) = plan.decisions
    assert (decision.kind, decision.title, decision.needs) == ("branch", "Too light?", ("tare",))
    assert plan.step("slow").when == (Guard(decision="check", value=True),)
    assert evaluate_condition(decision.formula, {"tare": {"mass": 0.5}}, plan) is True
    assert evaluate_condition(decision.formula, {"tare": {"mass": 1.5}}, plan) is False
    assert evaluate_condition(decision.formula, {}, plan) is None


def test_a_decision_inside_what_is_left_out_is_left_out():
    sop = small(f"""
  - {weigh()}
  - id: outer
    branch:
      when: ${{1 > 2}}
      then:
        - id: inner
          branch:
            when: ${{weigh.mass > 1 g}}
            then: [{weigh("a")}]
            else: [{weigh("b")}]
  - {weigh("last")}
""")
    found = expanded(sop)
    assert paths(found) == ["weigh", "last"]
    assert found.decisions == ()
    assert found.steps[1].planned.needs == ("weigh",)


def test_a_parameter_must_have_its_kind():
    sop = branching("${careful}")
    for fixed, words in (
        ({"careful": "yes"}, "yes or no"),
        ({"liquid": "watr"}, '"water"'),
        ({"liquid": True}, "a text is due"),
        ({"amount": "much"}, "a quantity is due"),
    ):
        with pytest.raises(InputError) as caught:
            expanded(sop, **fixed)
        assert words in f"{caught.value.message} {caught.value.hint}"
    from lab.plan.expand import expand

    with pytest.raises(InputError, match="stands where a text is due"):
        expand(sop, {"liquid": 1.0}, {}, CAPABILITIES)


def late(volume: str = "${clamp(weigh.mass / 1 g * 1 mL, 0 mL, 9 mL)}"):
    return small(f"""
  - {weigh("weigh", LIMITED)}
  - {dose("fill", volume)}
""")


def test_an_argument_that_depends_on_a_measurement_is_computed_late():
    plan = plan_of(late())
    step = plan.step("fill")
    assert step.args == {"rate": 20.0}
    argument = step.late_args["volume"]
    assert (argument.unit, argument.minimum, argument.integer) == ("mL", 0.0, False)
    assert evaluate_argument(argument, {"weigh": {"mass": 2.5}}, plan) == pytest.approx(2.5)
    with pytest.raises(ValueError, match=r"weigh\.mass"):
        evaluate_argument(argument, {}, plan)


@pytest.mark.parametrize(
    ("mass", "words"), [(-1.0, "below 0 mL"), (None, "weigh.mass"), (float("nan"), "weigh.mass")]
)
def test_a_late_argument_out_of_its_limits_is_refused(mass, words):
    plan = plan_of(late())
    argument = plan.step("fill").late_args["volume"].model_copy(
        update={"formula": plan.step("fill").late_args["volume"].formula.model_copy(
            update={"expression": "weigh.mass / 1 g * 1 mL"})})  # fmt: skip
    with pytest.raises(ValueError, match=words):
        evaluate_argument(argument, {"weigh": {"mass": mass}}, plan)


def test_a_volume_without_limits_is_refused_when_a_run_is_planned():
    with pytest.raises(RefusedError, match="limits are not known"):
        expanded(
            small(f"""
  - {weigh()}
  - {dose("fill", "${weigh.mass / 1 g * 1 mL}")}
""")
        )


def test_errors_in_arguments_stand_at_their_place():
    with pytest.raises(InputError, match='step "fill", volume') as caught:
        expanded(late("${weigh.mas * 1 mL}"))
    assert "weigh.mas" in caught.value.diagnostics[0].source_line
    with pytest.raises(RefusedError, match="below 0 mL"):
        expanded(late("${0 mL - 1 mL}"))


MANUAL = """
  - id: look
    title: Look
    at: pot
    duration: 60 s
    timeout: 10 min
    outputs: {ph: {maximum: 12}}
    on_error: {then: hold, retry: 1, delay: 5 s}
    checks: [{expect: clear, message: it is turbid, severity: warn}]
    manual:
      prompt: Look at it.
      sign: witness
      expects:
        clear: {type: yes_no, prompt: Is it clear?}
        ph: {type: quantity, unit: dimensionless, minimum: 0, maximum: 14}
        left: {type: quantity, unit: mL, minimum: 100 uL, required: false}
        colour: {type: choice, choices: [red, blue]}
      simulate: {clear: true, ph: 7.0, left: 500 uL, colour: red}
"""


def test_a_step_of_a_person():
    plan = plan_of(small(MANUAL + f"  - {weigh()}\n"))
    step = plan.step("look")
    assert (step.capability, step.action, step.device) == ("manual", "manual", "operator")
    assert step.claims == ("pot",)
    assert (step.on_failure, step.retry.max_retries, step.retry.delay_s) == ("hold", 1, 5.0)
    assert step.manual is not None
    assert step.manual.sign == "witness"
    assert step.manual.fields["ph"].maximum == 12.0
    assert step.manual.fields["left"].minimum == pytest.approx(0.1)
    assert step.manual.fields["colour"].choices == ("red", "blue")
    assert step.manual.simulated_answers == {
        "clear": True, "ph": 7.0, "left": pytest.approx(0.5), "colour": "red",
    }  # fmt: skip
    assert step.output_units == {"ph": "dimensionless", "left": "mL"}
    (check,) = step.checks
    assert check.severity == "warn"
    assert evaluate_condition(check.formula, {"look": {"clear": True}}, plan) is True
    assert evaluate_condition(check.formula, {"look": {"clear": False}}, plan) is False


def test_limits_of_outputs_are_checks():
    plan = plan_of(small(f"  - {weigh('weigh', LIMITED)}\n"))
    low, high = plan.step("weigh").checks
    assert low.message == "mass is below its least value 0 g"
    assert high.message == "mass is above its greatest value 9 g"
    for mass, expected in ((-0.1, (False, True)), (9.0, (True, True)), (9.1, (True, False))):
        outputs = {"weigh": {"mass": mass}}
        found = tuple(evaluate_condition(c.formula, outputs, plan) for c in (low, high))
        assert found == expected


def test_what_follows_a_failure_and_an_interruption():
    plan = plan_of(
        small(f"""
  - {weigh("tare", "resume: restart_step, on_error: {then: skip}, critical: false")}
  - {weigh("weigh", "resume: scrap_sample, on_error: {then: abort}")}
""")
    )
    assert (plan.step("tare").resume, plan.step("tare").on_failure) == ("restart", "skip")
    assert (plan.step("weigh").resume, plan.step("weigh").on_failure) == ("scrap", "fail")


def test_steps_that_undo_stand_with_the_safe_state():
    undo = "{id: undo, title: Undo, equipment: balance, action: tare, duration: 2 s, timeout: 9 s}"
    sop = small(f"""
  - id: loop
    for_each:
      name: level
      in: [1 mL, 2 mL]
      steps:
        - {dose("fill", "${level}", f"on_error: {{compensate: [{undo}]}}")}
  - {weigh()}
""")
    plan = plan_of(sop)
    safe = [(step.path, step.compensates) for step in plan.steps if step.safe_state]
    assert safe == [("undo[1]", "fill[1]"), ("undo[2]", "fill[2]")]


def test_windows_are_paired_round_by_round():
    sop = small(
        f"""
  - {weigh("tare")}
  - id: loop
    for_each:
      name: level
      in: [1 mL, 2 mL]
      steps:
        - {dose("fill", "${level}", "settle: 30 s")}
        - {weigh("read")}
  - {weigh()}
""",
        RESULT
        + """
timing:
  - {id: soon, from: fill.end, to: read.start, less_than: 1 min, on_violation: scrap}
  - {from: tare.end, to: read.end, more_than: 5 s}
  - {from: read.end, to: weigh.start, ideal: 10 s}
""",
    )
    windows = {window.name: window for window in plan_of(sop).timing}
    assert windows["soon[1]"].from_steps == ("fill[1]",)
    assert windows["soon[2]"].to_steps == ("read[2]",)
    assert windows["soon[2]"].less_than_s == 60.0
    assert windows["soon[2]"].on_violation == "scrap"
    assert windows["tare.end_to_read.end"].to_steps == ("read[1]", "read[2]")
    assert windows["read.end_to_weigh.start"].from_steps == ("read[1]", "read[2]")
    assert windows["read.end_to_weigh.start"].ideal_s == 10.0
    rest = windows["fill[1].settle"]
    assert (rest.from_mark, rest.to_mark, rest.more_than_s) == ("end", "start", 30.0)
    assert (rest.from_steps, rest.to_steps) == (("fill[1]",), ("read[1]",))


def test_a_rest_is_kept_by_what_follows_a_step_that_is_skipped():
    plan = plan_of(
        small(f"""
  - {weigh("tare")}
  - {dose("fill", "1 mL", "settle: 30 s")}
  - id: check
    branch:
      when: ${{tare.mass > 1 g}}
      then: [{weigh("a")}]
  - {weigh()}
""")
    )
    rests = [window.to_steps for window in plan.timing]
    assert ("a", "weigh") in rests


INNER = (
    HEAD.replace("id: small", "id: inner")
    + """
parameters:
  volume: {unit: mL, minimum: 0 mL, maximum: 5 mL, default: 1 mL, role: fixed}
materials:
  liquid: {name: Any, role: solvent}
containers:
  beaker: {capacity: 50 mL}
equipment:
  scale: {capability: weighing, at: beaker}
  feeder: {capability: liquid_dosing, draws: liquid, into: beaker}
"""
    + f"""
procedure:
  - {dose("fill", "${volume * 2}").replace("pump", "feeder")}
  - {weigh("read").replace("balance", "scale")}
"""
    + """
timing:
  - {id: soon, from: fill.end, to: read.start, less_than: 1 min}
safety:
  limits:
    - {signal: scale.mass, maximum: 100 g, on_violation: hold}
quality:
  blanks:
    empty: {measured: read.mass, maximum: 2 g}
results:
  mass: {from: read.mass, unit: g}
  density: {value: "${read.mass / (2 * volume)}", unit: g/mL}
"""
)
CALL = """
  - id: ID
    call:
      sop: inner.yaml
      version: "1.0.0"
      sha256: "%s"
      with: {volume: 1.5 mL}
      equipment: {scale: balance, feeder: pump}
      containers: {beaker: pot}
      materials: {liquid: water}
""" % ("0" * 64)


def calling(rest: str, more: str = ""):
    return small(
        CALL.replace("ID", "rinse") + CALL.replace("ID", "again") + more, rest,
        {"inner.yaml": read(INNER)},
    )  # fmt: skip


def test_a_called_sop_is_written_out_with_the_names_of_the_caller():
    plan = plan_of(calling(
        "\nresults:\n  mass: {from: rinse.mass, unit: mg}\n"
        '  both: {value: "${rinse.density + again.density}", unit: g/mL}\n'
    ))  # fmt: skip
    assert [step.path for step in plan.steps] == [
        "rinse.fill", "rinse.read", "again.fill", "again.read",
    ]  # fmt: skip
    fill = plan.step("rinse.fill")
    assert (fill.device, fill.args["volume"], fill.claims) == ("pump", 3.0, ("pot",))
    assert [window.name for window in plan.timing] == ["rinse.soon", "again.soon"]
    (limit,) = plan.limits
    assert (limit.signal, limit.device, limit.maximum) == ("balance.mass", "scale", 100.0)
    assert [item.name for item in plan.quality] == ["rinse.empty", "again.empty"]
    outputs = {"rinse.read": {"mass": 3.0}, "again.read": {"mass": 3.3}}
    found = evaluate_results(plan, outputs)
    assert found["mass"] == (3000.0, None, "mg")
    assert found["both"][0] == pytest.approx(2.1)
    assert evaluate_results(plan, {"rinse.read": {"mass": 3.0}}) == {"mass": (3000.0, None, "mg")}


def test_a_result_of_a_call_is_an_argument():
    more = dose("fill", "${clamp(rinse.density * 1 mL**2 / 1 g, 0 mL, 1 mL)}")
    sop = calling(RESULT.replace("weigh", "rinse"), f"  - {more}\n").sop
    assert sop.procedure[-1].id == "fill"
    # the volume's limits are not known: only where they are, a plan is made
    with pytest.raises(RefusedError):
        expanded(calling(RESULT.replace("weigh", "rinse"), f"  - {more}\n"))


def test_lots_are_kept_with_the_plan():
    lot = plan_of(titration()).lots["water"]
    assert (lot.stock, lot.lot) == ("water", "W-1")


def test_a_thousand_steps_with_a_series_in_each_round():
    sop = titration("${sd(check.mass) > 5 g}", rounds=500)
    tiny = replace(sop, flat=Unfolded(
        steps=[item for item in sop.flat.steps if item.step.id != "add"],
        decisions=sop.flat.decisions,
    ))  # fmt: skip
    found = expanded(tiny)
    assert len(found.steps) == 501
    assert len(found.decisions[499].formula.rows or ()) == 500
    assert len(found.decisions[0].formula.rows or ()) == 1


def test_a_plan_with_everything_survives_json():
    for sop in (titration(), late(), small(MANUAL + f"  - {weigh()}\n")):
        plan = plan_of(sop)
        assert Plan.model_validate_json(plan.model_dump_json()) == plan
