from hypothesis import given
from hypothesis import strategies as st

from mdmp.binary.text import safe_text


def test_plain_text_stays():
    assert safe_text("std::vector<int>::at é 日本") == "std::vector<int>::at é 日本"


def test_terminal_sequences_and_direction_overrides_show_as_escapes():
    assert safe_text("a\x1b[2Jb\u202ec\u2066\u200bd\r\n") == "a\\x1b[2Jb\\u202ec\\u2066\\u200bd\\x0d\\x0a"
    assert safe_text("\udc80\U000e0041") == "\\udc80\\U000e0041"


def test_long_text_loses_its_middle():
    assert safe_text("a" * 50 + "b" * 50, limit=10) == "aaaaa...bbbbb"


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_every_text_becomes_one_printable_line(text):
    shown = safe_text(text)
    assert shown.isprintable()
    assert "\x1b" not in shown
