"""What is remembered of P1 lines is bounded, however many and long the lines are that somebody sends."""

from han2x.vendors.p1_lines import LINE_REMEMBERED_MAX, LINES, REMEMBERED_MAX, parsed


def test_many_different_lines_do_not_grow_the_memory() -> None:
    for number in range(3 * REMEMBERED_MAX):
        parsed(b"1-0:1.8.0(%08d.000*kWh)" % number)
        assert len(LINES) <= REMEMBERED_MAX


def test_a_long_line_is_read_and_not_remembered() -> None:
    line = b"0-0:96.13.0(" + b"41" * LINE_REMEMBERED_MAX + b")"
    assert parsed(line) == parsed(line)
    assert line not in LINES
