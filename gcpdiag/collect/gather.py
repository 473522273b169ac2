"""All questions side by side, under one deadline: what has not come by then is a gap, and the answer comes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gcpdiag.collect.fetch import Answer, Patience, fetch
from gcpdiag.collect.question import Question
from gcpdiag.gcp.failure import Failure
from gcpdiag.model.json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a collection is: questions answered, of how many, and the names of those still open."""

    answered: int
    asked: int
    open: tuple[str, ...]


@dataclass(kw_only=True)
class Gathering:
    """What came of a set of questions; ``interrupted`` when a person did not want to wait any longer."""

    answers: list[Answer] = field(default_factory=list)
    interrupted: bool = False


def gather(
    questions: Sequence[Question], patience: Patience, *, on_progress: Callable[[Progress], None] = lambda _: None
) -> Gathering:
    """Ask every question in a thread of its own and return all answers, at the latest at the deadline.

    A question with ``after`` waits for that source, and is dropped when there is none of it: a project without
    databases has no metrics of databases. What follows from an answer (``then``) is asked as soon as it is there.
    """
    run = _Run(patience)
    for question in questions:
        run.take(question)
    gathering = Gathering()
    try:
        while run.open:
            on_progress(Progress(answered=len(gathering.answers), asked=run.asked, open=run.open_names))
            answer = run.next_answer()
            if answer is None:
                break
            gathering.answers.append(answer)
    except KeyboardInterrupt:
        gathering.interrupted = True
    why = "interrupted" if gathering.interrupted else "no answer before the deadline"
    gathering.answers += [Answer(question=one, failure=Failure(kind="timeout", text=why)) for one in run.abandoned()]
    gathering.answers.sort(key=lambda one: run.place_of(one.question))
    return gathering


class _Run:
    """The threads of one gathering. They are daemons: one that hangs in a call must not keep the program."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._postponed: list[Question] = []
        self._running: dict[int, Question] = {}
        self._found: dict[str, list[JsonObject]] = {}  # what a source has
        self._unclear: set[str] = set()  # sources that may have more than was found
        self._places: dict[int, int] = {}
        self.asked = 0

    @property
    def open(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._running)

    @property
    def open_names(self) -> tuple[str, ...]:
        """The sources still open, in the order in which they were asked."""
        return tuple(dict.fromkeys(one.source for one in self._running.values()))

    def take(self, question: Question) -> None:
        """Ask a question, or keep it until the source that it depends on has answered."""
        self._places[id(question)] = len(self._places)
        if question.after:
            self._postponed.append(question)
        else:
            self._start(question)

    def place_of(self, question: Question) -> int:
        """Return where a question stood among all that were taken, whenever its answer came."""
        return self._places[id(question)]

    def next_answer(self) -> Answer | None:
        """Return the next answer; None when the deadline comes first."""
        try:
            answer = self._answers.get(timeout=max(0.0, self._patience.left))
        except queue.Empty:
            return None
        del self._running[id(answer.question)]
        self._note(answer)
        return answer

    def abandoned(self) -> list[Question]:
        """Return the questions without an answer, with those that waited for one of them."""
        open_sources = {one.source for one in self._running.values()}
        return [*self._running.values(), *(one for one in self._postponed if one.after in open_sources)]

    def _start(self, question: Question) -> None:
        self._running[id(question)] = question
        self.asked += 1
        threading.Thread(target=self._ask, args=(question,), name=question.name, daemon=True).start()

    def _ask(self, question: Question) -> None:
        try:
            answer = fetch(question, self._patience)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the one who waits for it
            failure = Failure(kind="malformed", text=f"unexpected {type(error).__name__}: {error}"[:300])
            answer = Answer(question=question, failure=failure)
        self._answers.put(answer)

    def _note(self, answer: Answer) -> None:
        """Ask what follows from an answer; start or drop what waited for a source once that is answered whole."""
        if answer.question.then:
            for question in answer.question.then(answer.resources):
                self.take(question)
        source = answer.question.source
        self._found.setdefault(source, []).extend(answer.resources)
        if answer.failure is not None:
            self._unclear.add(source)
        if any(one.source == source for one in self._running.values()):
            return
        waiting = [one for one in self._postponed if one.after == source]
        self._postponed = [one for one in self._postponed if one.after != source]
        for question in waiting:
            if source in self._unclear or any(question.only(one) for one in self._found[source]):
                self._start(question)
