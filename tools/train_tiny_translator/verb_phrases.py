"""Verb groups: tense, negation, modal verbs and the auxiliary that English questions need."""

from dataclasses import dataclass, field

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import Verb
from tools.train_tiny_translator.words import SourceWord, TargetWord, function, translate

BE = {"first": "am", "singular": "is", "plural": "are"}
TENSES = ("present", "past", "progressive", "future", "want", "plan", "can", "should", "must")
STATIVE_TENSES = ("present", "present", "past", "future")
NOT_NEGATED = ("progressive", "must")
MODALS = {
    "future": ("会", "will"),
    "can": ("可以", "can"),
    "should": ("应该", "should"),
    "must": ("必须", "must"),
}
INTENTIONS = {"want": ("想", "want"), "plan": ("打算", "plan")}


@dataclass
class VerbGroup:
    """The parts of a verb phrase, in pieces that statements and questions order differently.

    Attributes:
        before: Chinese words before the verb and its adjuncts (不, 正在, 想).
        verb: The Chinese verb.
        after: Chinese words after the verb (了).
        auxiliary: English finite auxiliary, empty in a plain statement.
        negation: English ``not``.
        main: English verb with what belongs to it.
    """

    verb: SourceWord
    before: list[SourceWord] = field(default_factory=list)
    after: list[SourceWord] = field(default_factory=list)
    auxiliary: list[TargetWord] = field(default_factory=list)
    negation: list[TargetWord] = field(default_factory=list)
    main: list[TargetWord] = field(default_factory=list)


def conjugate(
    verb: Verb, agreement: str, tense: str, *, is_negative: bool = False, is_question: bool = False
) -> VerbGroup:
    """The verb in this tense after a subject that agrees like ``agreement``."""
    group = VerbGroup(SourceWord(verb.chinese, is_content=True))
    if tense in ("present", "past"):
        conjugate_simple(group, verb, agreement, tense, is_negative, is_question)
    elif tense == "progressive":
        mark = function("正在")
        group.before = [mark]
        group.auxiliary = [TargetWord(BE[agreement], (mark,))]
        group.main = translate([group.verb], verb.participle)
    elif tense in MODALS:
        conjugate_modal(group, verb, tense, is_negative)
    else:
        conjugate_intention(group, verb, agreement, tense, is_negative, is_question)
    return group


def conjugate_simple(
    group: VerbGroup, verb: Verb, agreement: str, tense: str, is_negative: bool, is_question: bool
) -> None:
    """Present and past; negation and questions need do, does or did."""
    is_past = tense == "past"
    does = "did" if is_past else "does" if agreement == "singular" else "do"
    if is_negative:
        mark = function("没有" if is_past else "不")
        group.before = [mark]
        group.auxiliary = [TargetWord(does, (mark,))]
        group.negation = [TargetWord("not", (mark,))]
    elif is_past:
        group.after = [function("了")]
    if is_question and not is_negative:
        group.auxiliary = [TargetWord(does, tuple(group.after))]
    plain = verb.past if is_past else verb.singular if agreement == "singular" else verb.base
    group.main = translate([group.verb], verb.base if group.auxiliary else plain)


def conjugate_modal(group: VerbGroup, verb: Verb, tense: str, is_negative: bool) -> None:
    """会 will, 可以 can, 应该 should, 必须 must."""
    chinese, word = MODALS[tense]
    group.main = translate([group.verb], verb.base)
    if not is_negative:
        group.before = [function(chinese)]
        group.auxiliary = [TargetWord(word, tuple(group.before))]
        return
    mark, modal = function("不"), function("能" if tense == "can" else chinese)
    group.before = [mark, modal]
    if tense == "can":
        group.auxiliary = [TargetWord("cannot", (mark, modal))]
        return
    group.auxiliary = [TargetWord(word, (modal,))]
    group.negation = [TargetWord("not", (mark,))]


def conjugate_intention(
    group: VerbGroup, verb: Verb, agreement: str, tense: str, is_negative: bool, is_question: bool
) -> None:
    """想 want to, 打算 plan to: main verbs of their own, so they take do in English."""
    chinese, word = INTENTIONS[tense]
    modal = SourceWord(chinese, is_content=True)
    does = "does" if agreement == "singular" else "do"
    group.before = [modal]
    if is_negative:
        mark = function("不")
        group.before = [mark, modal]
        group.auxiliary = [TargetWord(does, (mark,))]
        group.negation = [TargetWord("not", (mark,))]
    elif is_question:
        group.auxiliary = [TargetWord(does)]
    has_ending = agreement == "singular" and not group.auxiliary
    group.main = [
        *translate([modal], english.third_person(word) if has_ending else word),
        TargetWord("to", (modal,)),
        *translate([group.verb], verb.base),
    ]
