"""What was wrong with files, counted once and told in order."""

from __future__ import annotations

from gcpdiag.bundle.problem import Problem, ProblemLog


def test_a_problem_names_its_file_and_line() -> None:
    assert str(Problem(path="a.json", line=3, text="oops")) == "a.json:3: oops"


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    assert str(Problem(path="a.json", line=0, text="oops")) == "a.json: oops"


def test_a_file_that_is_read_twice_has_each_problem_once() -> None:
    log = ProblemLog()
    for _ in range(2):
        log.add("a.json", 3, "oops")
        log.add("a.json", 7, "oops")
        log.add("a.json", 0, "cut off")
    assert (log.count("a.json"), len(log.problems())) == (3, 3)


def test_problems_come_by_file_and_line() -> None:
    log = ProblemLog()
    for path, line in (("b", 2), ("a", 9), ("b", 11), ("a", 10)):
        log.add(path, line, "oops")
    assert [(one.path, one.line) for one in log.problems()] == [("a", 9), ("a", 10), ("b", 2), ("b", 11)]


def test_of_very_many_problems_the_first_ones_and_the_number_of_the_rest_are_told() -> None:
    log = ProblemLog()
    for line in range(1, 1001):
        log.add("a", line, "oops")
    assert len(log.problems()) == 21
    assert str(log.problems()[-1]) == "a: and 980 more malformed lines"


def test_a_problem_of_the_whole_file_is_told_even_after_very_many_lines() -> None:
    log = ProblemLog()
    for line in range(1, 101):
        log.add("a", line, "oops")
    log.add("a", 0, "cut off")
    assert "a: cut off" in [str(one) for one in log.problems()]
