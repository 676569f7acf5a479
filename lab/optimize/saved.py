"""A campaign as a JSON document: all that `lab.optimize.campaign.Campaign` knows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from lab.domain.aim import Aim
from lab.domain.errors import InputError
from lab.optimize.history import Design, Direction, TrialRecord
from lab.optimize.options import Options
from lab.optimize.space import Setting, Space
from lab.optimize.suggest import Method

__all__ = ["Remark", "SavedCampaign", "read_campaign"]


class Remark(BaseModel):
    """What a person did to a campaign, and why. `trial` is None for a veto, which is about the space."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["pin", "reject", "edit", "veto"]
    reason: str
    trial: int | None = None
    text: str = ""
    """Of a veto the condition, of an edit what the trial was recorded with before."""


class SavedCampaign(BaseModel):
    """What `Campaign.to_json` writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    optimisation_format: Literal[1] = 1
    space: Space
    direction: Direction | None = None
    aim: Aim | None = None
    candidates: dict[str, list[Setting]] | None = None
    """Of a list the columns; the space is theirs."""
    seed: int
    initial: int
    method: Method
    design: Design = "sobol"
    options: Options = Options()
    history: tuple[TrialRecord, ...]
    pinned: tuple[int, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def sought(self) -> Direction | Aim:
        """The direction or the aim; there is one (`read_campaign`)."""
        if self.aim is not None:
            return self.aim
        if self.direction is None:
            raise InputError("not a saved campaign: neither a direction nor an aim")
        return self.direction


def read_campaign(text: str) -> SavedCampaign:
    """The document that `Campaign.to_json` wrote. InputError for any other text."""
    try:
        saved = SavedCampaign.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InputError(
            f"not a saved campaign: {where}: {first['msg']}",
            hint="read a file that Campaign.to_json wrote",
        ) from error
    _ = saved.sought
    return saved
