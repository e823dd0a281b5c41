"""The questions reach the whole grammar, but for what cannot be compared."""

from __future__ import annotations

from tests.differential.campaign import SUBJECTS
from tests.differential.data import draw_scene
from tests.differential.grammar_use import GrammarUse
from tests.differential.questions import Question

NOT_COMPARED = {
    "query -> START_EXPRESSION expression",  # a condition by itself, which no client sends
    "regex_operand -> bound_parameter",  # 1.8 binds regular expressions, the server of 1.6 does not
    "signable -> bound_parameter",
    "signed -> ADD signable",
    "call -> TZ CALL arguments RPAREN",
    "kill -> KILL QUERY INTEGER ON IDENT",
    "show -> SHOW QUERIES",  # these are about the server itself
    "show -> SHOW DIAGNOSTICS for_module",
    "for_module -> <empty>",
    "statement -> explain",
    "explain -> EXPLAIN select",
    "explain -> EXPLAIN ANALYZE select",
    "explain -> EXPLAIN VERBOSE select",
    "explain -> EXPLAIN ANALYZE VERBOSE select",
}


def test_questions_use_every_production() -> None:
    use = GrammarUse()
    for draw in SUBJECTS.values():
        for seed in range(24):
            for question in draw(draw_scene(seed), seed, 100):
                use.add(question)
    assert set(use.unused()) <= NOT_COMPARED <= set(use.productions)


def test_a_question_with_a_fault_counts_what_came_before_it() -> None:
    use = GrammarUse()
    use.add(Question("SHOW DATABASES; SHOW NOTHING", ()))
    assert use.texts["show -> SHOW DATABASES"] == 1
    assert len(use.unused()) > 200
