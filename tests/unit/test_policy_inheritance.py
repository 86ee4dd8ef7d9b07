"""What a policy says about a program, beside a model that merges dictionaries."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmp.monitor.policy.built_in import RULES
from mdmp.monitor.policy.policy import Policy, Source
from mdmp.monitor.policy.settings import Settings

NAMES = ("shop", "Shop", "bank", "cc1plus")
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "count": st.integers(0, 3),
    "type": st.sampled_from(["mini", "heap", "full"]),
    "enabled": st.booleans(),
    "rules.abort": st.sampled_from(["none", "mini", "full"]),
}
values = st.fixed_dictionaries({}, optional=VALUES)
sources = st.lists(
    st.builds(
        Source,
        st.uuids().map(str),
        values,
        st.dictionaries(st.sampled_from(NAMES), values),
        st.lists(st.sampled_from(["cc1*", "shop", "*", "b*k"]), max_size=1).map(tuple),
        enforced=st.booleans(),
    ),
    max_size=5,
)
FITS = {"cc1*": {"cc1plus"}, "shop": {"shop"}, "*": set(NAMES), "b*k": {"bank"}}


def model(given: list[Source], program: str) -> dict[str, Any]:
    merged: dict[str, Any] = {"rules.abort": RULES["abort"]}
    for wanted in (False, True):
        for source in given:
            if source.enforced == wanted:
                excluded = any(program in FITS[pattern] for pattern in source.exclude)
                merged = {
                    **merged,
                    **source.values,
                    **({"enabled": False} if excluded else {}),
                    **source.applications.get(program, {}),
                }
    return merged


@given(sources, st.sampled_from(NAMES))
def test_later_and_nearer_values_win_and_absent_ones_are_inherited(given_: list[Source], program: str) -> None:
    settings, by = Policy(tuple(given_), ignore_case=False).settings_for(program)
    expected = model(given_, program)
    default = Settings()
    assert settings.count == expected.get("count", default.count)
    assert settings.type == expected.get("type", default.type)
    assert settings.enabled == expected.get("enabled", default.enabled)
    assert settings.rules["abort"] == expected["rules.abort"]
    said = {key for source in given_ for part in (source.values, source.applications.get(program, {})) for key in part}
    assert said <= set(by) <= said | {"enabled"}


@given(sources, st.sampled_from(NAMES))
def test_case_counts_only_where_the_system_says(given_: list[Source], program: str) -> None:
    policy = Policy(tuple(given_), ignore_case=True)
    assert policy.settings_for(program.upper()) == policy.settings_for(program.lower())


def test_a_global_count_of_0_is_inherited() -> None:
    """As Windows does: a program's own key without DumpCount does not bring its dumps back."""
    policy = Policy((Source("file", {"count": 0}, {"app.exe": {"type": "full"}, "b.exe": {"count": 5}}),))
    assert policy.settings_for("app.exe")[0].count == 0
    assert policy.settings_for("b.exe")[0].count == 5
    assert policy.settings_for("app.exe")[1] == {"count": "file", "type": "file, for app.exe"}


def test_who_said_what() -> None:
    policy = Policy(
        (
            Source("a", {"type": "mini"}, {"x": {"type": "heap"}}),
            Source("c", {"type": "indirect"}, {}, enforced=True),
            Source("b", {"type": "full"}, {}),
        )
    )
    assert [(one.value, one.by) for one in policy.said("x")["type"]] == [
        ("mini", "a"),
        ("heap", "a, for x"),
        ("full", "b"),
        ("indirect", "c"),
    ]


def test_an_exclusion_says_which() -> None:
    policy = Policy((Source("file", {}, {"cc1obj": {"enabled": True}}, ("ld", "cc1*")),))
    assert policy.settings_for("cc1plus")[0].enabled is False
    assert policy.settings_for("cc1plus")[1] == {"enabled": "file, exclude 'cc1*'"}
    assert policy.settings_for("cc1obj")[0].enabled is True
    assert policy.settings_for("cc2")[0].enabled is True


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*b*c", "aXbYc", True),
        ("a*b*c", "acb", False),
        ("*.exe", "x.exe", True),
        ("**", "x", True),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("*a" * 40 + "b", "a" * 5000, False),
    ],
)
def test_patterns(pattern: str, name: str, fits: bool) -> None:
    policy = Policy((Source("file", {}, {}, (pattern,)),), ignore_case=False)
    assert policy.settings_for(name)[0].enabled is not fits
