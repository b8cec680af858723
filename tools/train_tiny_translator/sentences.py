"""Whole sentences: statements, questions, joined clauses; ``sample_pair`` draws one."""

from tools.train_tiny_translator.chooser import Chooser
from tools.train_tiny_translator.clauses import choose_tense, please, verb_clause
from tools.train_tiny_translator.description import (
    comparison,
    description,
    identity,
    interest,
    possession,
    quality,
    topic,
)
from tools.train_tiny_translator.noun_phrases import content_of, person
from tools.train_tiny_translator.placement import ba_clause, existence, finished, location
from tools.train_tiny_translator.verb_phrases import BE, conjugate
from tools.train_tiny_translator.words import (
    Phrase,
    SentencePair,
    TargetWord,
    content,
    finish,
    function,
    translate,
)

LONGEST_SOURCE = 26
CONNECTIVES = (
    ("因为", "所以", "because", ""),
    ("如果", "", "if", ""),
    ("虽然", "但是", "although", ""),
    ("", "但是", "", "but"),
    ("", "所以", "", "so"),
)


def action(chooser: Chooser) -> Phrase:
    """Somebody does something; with or without an object."""
    return verb_clause(chooser, person(chooser)).statement()


def whereabouts(chooser: Chooser) -> Phrase:
    """我的书在桌子上: my book is on the table."""
    subject, where = location(chooser)
    verb = TargetWord(BE[subject.agreement], (where.source[0],))
    return Phrase(subject.source + where.source, [*subject.target, verb, *where.target])


def opinion(chooser: Chooser) -> Phrase:
    """我觉得...: I think that ..."""
    subject, word = person(chooser), chooser.small("saying")
    verb = content(word.chinese, word.english + ("s" if subject.agreement == "singular" else ""))
    inner = short_clause(chooser)
    target = [*subject.target, *verb.target, TargetWord("that"), *inner.target]
    return Phrase(subject.source + verb.source + inner.source, target)


def short_clause(chooser: Chooser) -> Phrase:
    """A clause to be joined with another."""
    form = chooser.weighted({"action": 5, "description": 2, "interest": 0.5, "where": 0.7})
    if form == "action":
        return verb_clause(chooser, person(chooser), is_short=True).statement()
    if form == "description":
        return description(chooser)
    return interest(chooser) if form == "interest" else whereabouts(chooser)


def joined(chooser: Chooser) -> Phrase:
    """Two clauses with 因为, 如果, 虽然, 但是 or 所以; 当...的时候 closes its clause."""
    first, second = short_clause(chooser), short_clause(chooser)
    comma = function("，")
    pause = TargetWord(",", (comma,))
    if chooser.chance(0.15):
        opening, closing = function("当"), [function("的"), function("时候")]
        source = [opening, *first.source, *closing, comma, *second.source]
        when = TargetWord("when", (opening, closing[1]))
        return Phrase(source, [when, *first.target, pause, *second.target])
    chinese_first, chinese, english_first, english_second = chooser.one_of(CONNECTIVES)
    before = [function(chinese_first)] if chinese_first else []
    between = [function(chinese)] if chinese else []
    target = translate(before, english_first) + first.target + [pause]
    target += translate(between, english_second) + second.target
    return Phrase(before + first.source + [comma] + between + second.source, target)


STATEMENTS = {
    action: 12,
    joined: 3.5,
    ba_clause: 3,
    description: 2.5,
    comparison: 1.2,
    interest: 1.5,
    existence: 1.5,
    whereabouts: 1,
    identity: 1.2,
    opinion: 2,
    finished: 0.6,
    please: 0.8,
    possession: 1.5,
}


def yes_no_question(chooser: Chooser) -> Phrase:
    """你喜欢咖啡吗: do you like coffee?"""
    mark = function("吗")
    if chooser.chance(0.25):
        subject, kind = topic(chooser)
        adjective = quality(chooser, kind)
        verb = TargetWord(BE[subject.agreement], (mark,))
        source = [*subject.source, *adjective.source, mark]
        return Phrase(source, [verb, *subject.target, *adjective.target])
    clause = verb_clause(chooser, person(chooser), is_question=True)
    target = clause.inverted()
    return Phrase([*clause.source, mark], target)


def object_question(chooser: Chooser) -> Phrase:
    """你读哪本书 which book do you read, 你想买什么 what do you want to buy?"""
    if chooser.chance(0.45):
        word = function("什么")
        asked, front = Phrase([word], []), [TargetWord("what", (word,))]
        clause = verb_clause(chooser, person(chooser), is_question=True, object_phrase=asked)
        return Phrase(clause.source, front + clause.inverted())
    verb = chooser.verb(is_transitive=True)
    thing = chooser.thing(tuple(kind for kind in verb.objects if kind != "compound"))
    while thing.noun.plural is None or not thing.noun.classifier:
        verb = chooser.verb(is_transitive=True)
        thing = chooser.thing(tuple(kind for kind in verb.objects) or ("thing",))
    word, noun = function("哪"), content_of(thing, is_plural=False)
    subject, (tense, time) = person(chooser), choose_tense(chooser, verb)
    group = conjugate(verb, subject.agreement, tense, is_question=True)
    source = subject.source + time.source + [*group.before, group.verb, *group.after]
    source += [word, function(thing.noun.classifier), *noun.source]
    front = [TargetWord("which", (word,)), *noun.target]
    return Phrase(source, front + group.auxiliary + subject.target + group.main + time.target)


def subject_question(chooser: Chooser) -> Phrase:
    """谁喜欢咖啡: who likes coffee?"""
    word = function("谁")
    asker = Phrase([word], [TargetWord("who", (word,))])
    clause = verb_clause(chooser, asker)
    clause.late_time, clause.early_time = clause.early_time, Phrase()
    return clause.statement()


def circumstance_question(chooser: Chooser) -> Phrase:
    """Where, why, when and how: the question word comes first in English only."""
    chinese, english = chooser.one_of(
        [("在哪里", "where"), ("为什么", "why"), ("什么时候", "when"), ("怎么", "how")]
    )
    if chinese == "在哪里" and chooser.chance(0.4):
        subject, _ = location(chooser)
        mark, word = function("在"), function("哪里")
        target = [TargetWord("where", (word,)), TargetWord(BE[subject.agreement], (mark,))]
        return Phrase([*subject.source, mark, word], target + subject.target)
    clause = verb_clause(
        chooser,
        person(chooser),
        is_question=True,
        is_short=True,
        without_tenses=() if english in ("where", "why") else ("progressive", "must"),
    )
    words = [function("在"), function("哪里")] if chinese == "在哪里" else [function(chinese)]
    clause.late_time = clause.late_time if english == "why" else Phrase()
    clause.subject.source = clause.subject.source + ([] if english == "where" else words)
    if english == "where":
        clause.adjuncts = [Phrase(words, [])]
    return Phrase(clause.source, [TargetWord(english, (words[-1],)), *clause.inverted()])


QUESTIONS = {
    yes_no_question: 3,
    object_question: 2,
    subject_question: 1,
    circumstance_question: 2,
}


def sample_phrase(chooser: Chooser) -> Phrase:
    """A statement or question with its closing mark; now and then without."""
    is_question = chooser.chance(0.18)
    phrase = chooser.weighted(QUESTIONS if is_question else STATEMENTS)(chooser)
    if chooser.chance(0.05):
        return phrase
    if is_question:
        chinese, english = "？", "?"
    else:
        chinese, english = ("！", "!") if chooser.chance(0.05) else ("。", ".")
    mark = function(chinese)
    return Phrase([*phrase.source, mark], [*phrase.target, TargetWord(english, (mark,))])


def sample_pair(chooser: Chooser) -> SentencePair:
    """Draw one sentence with its translation and gold alignment.

    Sentences longer than ``LONGEST_SOURCE`` words are drawn again.
    """
    while True:
        chooser.used_pronouns.clear()
        phrase = sample_phrase(chooser)
        if len(phrase.source) <= LONGEST_SOURCE:
            return finish(phrase)
