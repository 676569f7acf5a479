"""Topic patterns, against the rules of MQTT 3.1.1 section 4.7 and against a second implementation."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from lab.bus.wildcards import check_pattern, check_topic, matches


@pytest.mark.parametrize(
    ("pattern", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("a/b", "a/B", False),
        ("a", "a/", False),
    ],
)
def test_the_examples_of_the_standard(pattern, topic, expected):
    assert matches(pattern, topic) is expected


levels = st.lists(st.sampled_from(["", "a", "b", "$c"]), min_size=1, max_size=4)
patterns = st.lists(st.sampled_from(["", "a", "b", "$c", "+", "#"]), min_size=1, max_size=4)


@given(pattern=patterns, topic=levels)
@example(pattern=["a", "#"], topic=["a"])
def test_it_agrees_with_paho(pattern, topic):
    text, name = "/".join(pattern), "/".join(topic)
    try:
        check_pattern(text)
        check_topic(name)
    except ValueError:
        return
    assert matches(text, name) is topic_matches_sub(text, name)


@given(topic=st.text(min_size=1, max_size=20))
def test_a_topic_matches_itself_and_everything(topic):
    try:
        check_topic(topic)
    except ValueError:
        assert any(character in topic for character in "+#\0")
        return
    assert matches(topic, topic)
    assert matches("#", topic) is not topic.startswith("$")


def test_too_long_is_refused():
    assert check_topic("é" * 32_767)
    with pytest.raises(ValueError, match="not a topic"):
        check_topic("é" * 32_768)
    with pytest.raises(ValueError, match="not a topic pattern"):
        check_pattern("é" * 32_768)
