"""The story keeps its order and is the same to the byte, or it is another story."""

from __future__ import annotations

from lab.faults.story import Moment, Story


class Clock:
    now_s = 0.0

    def now(self) -> float:
        return self.now_s


def test_moments_come_in_the_order_in_which_they_were_told():
    clock = Clock()
    story = Story(clock.now)
    story.tell("pump", "doses 1012 uL")
    clock.now_s = 2.5
    story.tell("engine-1", "is dead")
    assert story.moments == [
        Moment(0.0, "pump", "doses 1012 uL"),
        Moment(2.5, "engine-1", "is dead"),
    ]
    assert story.moments[1].line() == "    2.500 s  engine-1     is dead"


def test_its_fingerprint_is_of_time_name_and_deed():
    def of(*moments: tuple[float, str, str]) -> str:
        clock = Clock()
        story = Story(clock.now)
        for clock.now_s, who, what in moments:
            story.tell(who, what)
        return story.fingerprint()

    one = (1.0, "pump", "doses")
    assert of(one) == of(one)
    others = [
        of(),
        of((1.5, "pump", "doses")),
        of((1.0, "drain", "doses")),
        of((1.0, "pump", "stops")),
        of(one, one),
    ]
    assert len({of(one), *others}) == 6
