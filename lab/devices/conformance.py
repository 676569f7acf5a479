"""What a driver still lacks: its class and its manifest, held against the contracts it claims to fulfil.

    findings = check_driver(registry.manifest("new_era_ne1000"), registry.driver_class("new_era_ne1000"))

An empty list means that nothing was found. It is checked without a device, from signatures and source; behaviour is
for the driver's own tests against its simulator.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, cast

from lab.devices.capability import CAPABILITIES
from lab.devices.line_url import parse_settings
from lab.devices.source_scan import does_nothing, error_codes, methods_that_begin, only_raises
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.devices.manifest import Manifest
    from lab.domain.action import ActionSpec, ArgSpec

__all__ = ["check_driver"]

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_FRAME: dict[str, tuple[str, ...]] = {
    "connect": (),
    "disconnect": (),
    "make_safe": (),
    "settle": ("command",),
    "read_telemetry": (),
}


def check_driver(manifest: Manifest, driver_class: type) -> list[str]:
    """Findings in words, each with what would be right; none when the driver conforms."""
    return [
        *_manifest_findings(manifest, driver_class),
        *_capability_findings(manifest),
        *_class_findings(driver_class),
        *_action_findings(manifest, driver_class),
        *_source_findings(manifest, driver_class),
    ]


def _manifest_findings(manifest: Manifest, driver_class: type) -> Iterator[str]:
    if not _NAME.fullmatch(manifest.driver):
        yield f"manifest: driver {manifest.driver!r} must be lower case letters, digits and underscores"
    if not _VERSION.fullmatch(manifest.version):
        yield f"manifest: version {manifest.version!r} must be like 1.0.0"
    for name in ("title", "manufacturer", "safe_state"):
        if not str(getattr(manifest, name)).strip():
            yield f"manifest: {name} is empty"
    idle = does_nothing(driver_class, "make_safe")
    if idle and manifest.safe_action:
        yield "manifest: make_safe does nothing; say `safe_action: false`, or bring the device to its safe state"
    if not idle and not manifest.safe_action:
        yield "manifest: safe_action is false, but make_safe does something; leave it out"
    for name in ("models", "sources"):
        if not getattr(manifest, name):
            yield f"manifest: {name} is empty"
    own = f"{driver_class.__module__}:{driver_class.__qualname__}"
    if manifest.entry != own:
        yield f"manifest: entry is {manifest.entry!r}, but the class is {own!r}"
    if manifest.simulator and not _REFERENCE.fullmatch(manifest.simulator):
        yield f"manifest: simulator {manifest.simulator!r} must be module:Class"
    for name, reference in (("limits", manifest.limits), ("durations", manifest.durations)):
        if reference and not _REFERENCE.fullmatch(reference):
            yield f"manifest: {name} {reference!r} must be module:function"
    if manifest.connection not in ("stream", "http", "mqtt"):
        yield f"manifest: connection {manifest.connection!r} must be stream, http or mqtt"
    yield from _line_findings(manifest)
    for channel, unit in manifest.telemetry.items():
        if not _NAME.fullmatch(channel) or not unit:
            yield f"manifest: telemetry {channel!r} needs a plain name and a unit"
    if not manifest.errors:
        yield "manifest: errors is empty; list each code that the driver raises, and what to do about it"
    for code, meaning in manifest.errors.items():
        if not _NAME.fullmatch(code) or not meaning.strip():
            yield f"manifest: error {code!r} needs a plain name and a meaning"


def _line_findings(manifest: Manifest) -> Iterator[str]:
    if not manifest.serial:
        return
    if manifest.connection != "stream":
        yield f"manifest: serial settings have no meaning for connection {manifest.connection}"
    try:
        line = parse_settings(manifest.serial)
    except InputError as error:
        yield f"manifest: serial: {error.message} ({error.hint})"
        return
    if line.framing[:2] != "8N" and not manifest.tcp_only_simulator:
        yield f"manifest: a pseudo-terminal can't carry {line.framing}; set tcp_only_simulator: true"


def _capability_findings(manifest: Manifest) -> Iterator[str]:
    if not manifest.capabilities:
        yield f"manifest: capabilities is empty; one of {', '.join(CAPABILITIES)}"
    offered: dict[str, str] = {}
    for name in manifest.capabilities:
        if name not in CAPABILITIES:
            yield f"manifest: there is no capability {name!r}; one of {', '.join(CAPABILITIES)}"
            continue
        for action in CAPABILITIES[name].actions:
            if action in offered:
                yield f"manifest: {name} and {offered[action]} both have an action {action!r}"
            offered[action] = name


def _class_findings(driver_class: type) -> Iterator[str]:
    if not driver_class.__doc__:
        yield f"{driver_class.__name__}: the class has no docstring"
    parameters = list(inspect.signature(driver_class).parameters.values())
    required = [p for p in parameters if p.default is p.empty and p.kind in _NAMED]
    if not parameters or [p.name for p in required] != [parameters[0].name]:
        yield f"{driver_class.__name__}: must be made with one argument, the DriverContext"
    for name, expected in _FRAME.items():
        method = _method(driver_class, name)
        if method is None:
            yield f"{name}: is missing; write `async def {name}(self{''.join(', ' + e for e in expected)})`"
            continue
        if not inspect.iscoroutinefunction(method):
            yield f"{name}: must be `async def`"
        given = list(inspect.signature(method).parameters)[1:]
        if given != list(expected):
            yield f"{name}: takes ({', '.join(given)}), must take ({', '.join(expected)})"


_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _action_findings(manifest: Manifest, driver_class: type) -> Iterator[str]:
    for capability in manifest.capabilities:
        if capability not in CAPABILITIES:
            continue
        for name, spec in CAPABILITIES[capability].actions.items():
            method = _method(driver_class, name)
            if method is None:
                yield f"{name}: is missing; {capability} asks for it"
            else:
                yield from (f"{name}: {text}" for text in _signature_findings(method, spec))


def _signature_findings(method: Callable[..., object], spec: ActionSpec) -> Iterator[str]:
    if not inspect.iscoroutinefunction(method):
        yield "must be `async def`"
    if not method.__doc__:
        yield "has no docstring; say what the device does and which errors it raises"
    parameters = list(inspect.signature(method).parameters.values())[1:]
    if not parameters or parameters[0].kind not in _NAMED:
        yield "must take the act first: `async def name(self, act: Act, *, ...)`"
        return
    given = {p.name: p for p in parameters[1:]}
    for name, parameter in given.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            yield f"must name its arguments instead of *{name}"
        elif name not in spec.args:
            yield f"has an argument {name!r} that the contract does not know"
    for name, arg in spec.args.items():
        if name not in given:
            yield f"has no argument {name!r}{f' ({arg.unit})' if arg.unit else ''}"
            continue
        if given[name].kind is not inspect.Parameter.KEYWORD_ONLY:
            yield f"{name} must be keyword-only: put `*` after act"
        yield from _default_findings(name, arg, given[name])


def _default_findings(name: str, arg: ArgSpec, parameter: inspect.Parameter) -> Iterator[str]:
    default = cast("object", parameter.default)
    missing = default is inspect.Parameter.empty
    if arg.required and not missing:
        yield f"{name} has a default, but the contract requires it to be given"
    if not arg.required and missing:
        yield f"{name} needs the contract's default, {arg.default!r}"
    elif not arg.required and default != arg.default:
        yield f"{name} has the default {default!r}, the contract says {arg.default!r}"


def _source_findings(manifest: Manifest, driver_class: type) -> Iterator[str]:
    beginning = methods_that_begin(driver_class)
    specs = [
        (name, spec)
        for capability in manifest.capabilities
        if capability in CAPABILITIES
        for name, spec in CAPABILITIES[capability].actions.items()
    ]
    for name, spec in specs:
        if spec.effect == "once" and hasattr(driver_class, name) and name not in beginning:
            yield f"{name}: acts once, but never awaits act.begin() before it does"
    asked = any(spec.effect == "once" and spec.settle == "query" for _, spec in specs)
    settle = _method(driver_class, "settle")
    if asked and settle is not None and only_raises(settle):
        yield "settle: only raises; ask the device what became of the command"
    safe = _method(driver_class, "make_safe")
    if safe is not None and only_raises(safe):
        yield "make_safe: only raises; bring the device to its safe state, or do nothing where there is none"
    for code in sorted(error_codes(driver_class) - set(manifest.errors)):
        yield f"manifest: error code {code!r} is raised but not listed in errors"


def _method(driver_class: type, name: str) -> Callable[..., object] | None:
    found: object = inspect.getattr_static(driver_class, name, None)
    return found if inspect.isfunction(found) else None
