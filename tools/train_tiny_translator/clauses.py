"""Clauses: who does what, where, when, how, with whom; each language has its own order."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tools.train_tiny_translator.chooser import Chooser
from tools.train_tiny_translator.lexicon import Verb
from tools.train_tiny_translator.noun_phrases import content_of, definite, person, something
from tools.train_tiny_translator.verb_phrases import (
    NOT_NEGATED,
    STATIVE_TENSES,
    TENSES,
    VerbGroup,
    conjugate,
)
from tools.train_tiny_translator.words import (
    Phrase,
    SourceWord,
    TargetWord,
    content,
    function,
    translate,
)

PLACES_WITH_AT = ("学校", "机场", "车站", "大学", "超市", "酒店")


@dataclass
class Clause:
    """A clause in parts; ``adjuncts`` stand before the verb in Chinese, after it in English."""

    subject: Phrase
    group: VerbGroup
    object: Phrase = field(default_factory=Phrase)
    adjuncts: list[Phrase] = field(default_factory=list)
    adverb: Phrase = field(default_factory=Phrase)
    early_time: Phrase = field(default_factory=Phrase)
    late_time: Phrase = field(default_factory=Phrase)

    @property
    def source(self) -> list[SourceWord]:
        """The Chinese words; the same in statements and in questions with 吗."""
        words = self.early_time.source + self.subject.source + self.late_time.source
        words = words + self.adverb.source + self.group.before
        for adjunct in self.adjuncts:
            words = words + adjunct.source
        return [*words, self.group.verb, *self.group.after, *self.object.source]

    @property
    def predicate(self) -> list[TargetWord]:
        """English from the main verb to the end."""
        words = self.adverb.target + self.group.main + self.object.target
        for adjunct in reversed(self.adjuncts):
            words = words + adjunct.target
        return words + self.late_time.target

    def statement(self) -> Phrase:
        """Both languages as a statement."""
        auxiliary = self.group.auxiliary + self.group.negation
        target = self.early_time.target + self.subject.target + auxiliary + self.predicate
        return Phrase(self.source, target)

    def inverted(self) -> list[TargetWord]:
        """English with the auxiliary first, as in questions."""
        return self.group.auxiliary + self.subject.target + self.group.negation + self.predicate


def choose_tense(chooser: Chooser, verb: Verb) -> tuple[str, Phrase]:
    """A tense the verb has, and a time phrase that fits it (empty in half of the cases)."""
    tense = chooser.one_of(STATIVE_TENSES if verb.is_stative else TENSES)
    if chooser.chance(0.5):
        return tense, Phrase()
    own = {"past": "past", "progressive": "progressive", "present": "present"}.get(tense, "future")
    times = list(chooser.lexicon.times[own])
    if tense != "progressive":
        times += chooser.lexicon.times["any"]
    time = chooser.one_of(times)
    return tense, content(time.chinese, time.english)


def place(chooser: Chooser, *, has_mark: bool = True) -> Phrase:
    """在图书馆 in the library, 在北京 in Beijing; ``has_mark`` tells whether 在 is written."""
    thing = chooser.thing(("place",) if chooser.chance(0.65) else ("city",))
    marks = [function("在")] if has_mark else []
    inside = [function("里")] if thing.noun.kind == "place" and chooser.chance(0.3) else []
    preposition = "at" if thing.noun.chinese in PLACES_WITH_AT and not inside else "in"
    noun = content_of(thing, is_plural=False)
    article = [] if thing.noun.kind == "city" else [TargetWord("the")]
    target = [TargetWord(preposition, tuple(marks + inside)), *article, *noun.target]
    return Phrase(marks + noun.source + inside, target)


def companion(chooser: Chooser) -> Phrase:
    """跟老师一起: together with the teacher."""
    partner = person(chooser, "object")
    mark = function("跟")
    target = [TargetWord("with", (mark,)), *partner.target]
    if chooser.chance(0.5):
        return Phrase([mark, *partner.source], target)
    together = content("一起", "together")
    return Phrase([mark, *partner.source, *together.source], together.target + target)


def beneficiary(chooser: Chooser) -> Phrase:
    """为我们: for us."""
    mark = function("为")
    receiver = person(chooser, "object")
    return Phrase([mark, *receiver.source], [TargetWord("for", (mark,)), *receiver.target])


def instrument(chooser: Chooser) -> Phrase:
    """用电脑: with a computer."""
    thing = chooser.thing(("tech", "compound_object"))
    noun = content_of(thing, is_plural=False)
    mark = function("用")
    article = [TargetWord("a")] if thing.noun.plural else []
    return Phrase([mark, *noun.source], [TargetWord("with", (mark,)), *article, *noun.target])


def manner(chooser: Chooser) -> Phrase:
    """仔细地: carefully."""
    word = chooser.small("manner")
    phrase = content(word.chinese, word.english)
    return Phrase([*phrase.source, function("地")], phrase.target)


def adjunct(chooser: Chooser, verb: Verb, *, is_progressive: bool) -> Phrase:
    """One phrase of place, company, receiver, tool or manner that fits the verb."""
    forms: dict[Callable[..., Phrase], float] = {place: 4.0}
    if not verb.is_stative:
        forms |= {companion: 1.5, manner: 1.5}
    if chooser.is_free or "somebody" in verb.takes:
        forms[beneficiary] = 2
    if chooser.is_free or "tool" in verb.takes:
        forms[instrument] = 2
    form = chooser.weighted(forms)
    return place(chooser, has_mark=not is_progressive) if form is place else form(chooser)


def choose_adverb(chooser: Chooser, tense: str, *, is_negative: bool) -> Phrase:
    """An adverb that fits the tense, mostly none."""
    if is_negative or not chooser.chance(0.2):
        return Phrase()
    words = chooser.lexicon.small_words["adverb"]
    word = chooser.one_of([word for word in words if word.detail in (tense, "any")])
    return content(word.chinese, word.english)


def verb_clause(
    chooser: Chooser,
    subject: Phrase,
    *,
    is_question: bool = False,
    is_short: bool = False,
    object_phrase: Phrase | None = None,
    without_tenses: tuple[str, ...] = (),
) -> Clause:
    """A clause with this subject and a random verb.

    Args:
        chooser: Draws the words.
        subject: Who acts.
        is_question: Give English its auxiliary, leave adverbs out.
        is_short: Leave adjuncts and most time phrases out, for sentences of two clauses.
        object_phrase: Use this object instead of drawing one.
        without_tenses: Tenses that would sound odd here.
    """
    verb = chooser.verb(is_transitive=object_phrase is not None or chooser.chance(0.85))
    tense, time = choose_tense(chooser, verb)
    while tense in without_tenses:
        tense, time = choose_tense(chooser, verb)
    is_negative = tense not in NOT_NEGATED and not is_question and chooser.chance(0.22)
    group = conjugate(
        verb, subject.agreement, tense, is_negative=is_negative, is_question=is_question
    )
    clause = Clause(subject, group)
    if object_phrase is not None:
        clause.object = object_phrase
    elif verb.objects:
        clause.object = something(chooser, verb.objects)
    if not is_question:
        clause.adverb = choose_adverb(chooser, tense, is_negative=is_negative)
    if not is_short and chooser.chance(0.4) and not (verb.is_stative and not chooser.is_free):
        clause.adjuncts = [adjunct(chooser, verb, is_progressive=tense == "progressive")]
    set_time(chooser, clause, time, is_late=is_question or chooser.chance(0.5))
    return clause


def set_time(chooser: Chooser, clause: Clause, time: Phrase, *, is_late: bool) -> None:
    """Put the time phrase before or after the subject."""
    if is_late:
        clause.late_time = time
    else:
        clause.early_time = time


def relative(chooser: Chooser) -> tuple[Phrase, str]:
    """我昨天买的书: the book that I bought yesterday; with the kind of its noun."""
    verb = chooser.verb(is_transitive=True)
    subject = person(chooser)
    tense = chooser.one_of(("present", "past", "want", "progressive"))
    if verb.is_stative or tense == "progressive":
        tense = "present"
    group = conjugate(verb, subject.agreement, tense)
    time = Phrase()
    if tense == "past":
        word = chooser.one_of(chooser.lexicon.times["past"])
        time = content(word.chinese, word.english)
    noun, kind = plain_definite(chooser, verb)
    mark = function("的")
    source = [*subject.source, *time.source, *group.before, group.verb, mark, *noun.source]
    target = [*noun.target, TargetWord("that", (mark,)), *subject.target, *group.main, *time.target]
    return Phrase(source, target, noun.agreement), kind


def plain_definite(chooser: Chooser, verb: Verb) -> tuple[Phrase, str]:
    """The book, the rice: a noun the verb takes, with a bare article."""
    kinds = tuple(kind for kind in verb.objects if kind not in ("person", "city")) or ("thing",)
    thing = chooser.thing(kinds)
    noun = content_of(thing, is_plural=False)
    return Phrase(noun.source, [TargetWord("the"), *noun.target]), thing.noun.kind


def please(chooser: Chooser) -> Phrase:
    """请读这本书: please read this book."""
    verb = chooser.verb(is_transitive=True)
    while verb.is_stative and not chooser.is_free:
        verb = chooser.verb(is_transitive=True)
    mark = SourceWord("请", is_content=True)
    action = content(verb.chinese, verb.base)
    thing = definite(chooser, verb.objects)
    ways = [manner(chooser)] if chooser.chance(0.3) else []
    source = [mark, *(word for way in ways for word in way.source), *action.source, *thing.source]
    target = [*translate([mark], "please"), *action.target, *thing.target]
    return Phrase(source, target + [word for way in ways for word in way.target])
