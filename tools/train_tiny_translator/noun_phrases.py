"""Noun phrases: classifiers, numbers, owners, adjectives, lists, technical terms."""

from collections.abc import Mapping

from tools.train_tiny_translator.chooser import EVERYDAY_KINDS, Chooser, Thing
from tools.train_tiny_translator.lexicon import Adjective
from tools.train_tiny_translator.words import Phrase, TargetWord, content, function, translate

ADJECTIVES_WITHOUT_DE = ("大", "小", "新", "旧")
COLOURS = ("红色", "蓝色", "黑色", "白色", "绿色", "黄色")
COUNTED = {
    "one": 2,
    "number": 2,
    "bare": 3,
    "this": 2,
    "these": 1,
    "owned": 2,
    "many": 1,
    "some": 1,
}
UNCOUNTED = {"bare": 5, "owned": 1, "many": 1, "some": 1, "container": 4}
DEFINITE = {"this": 2, "these": 1, "owned": 2, "bare": 3}
BARE_KINDS = ("field", "language", "compound", "city")


def pronoun(chooser: Chooser, case: str) -> Phrase:
    """A personal pronoun; ``case`` is subject, object or owner."""
    word = chooser.pronoun(case)
    as_object, as_owner, agreement = word.detail.split(",")
    english = {"subject": word.english, "object": as_object, "owner": as_owner}[case]
    source = function(word.chinese)
    return Phrase([source], [TargetWord(english, (source,))], agreement)


def owner(chooser: Chooser) -> Phrase:
    """A possessive: 我的 my, 老师的 the teacher's."""
    mark = function("的")
    if chooser.chance(0.7):
        phrase = pronoun(chooser, "owner")
        return Phrase([*phrase.source, mark], phrase.target)
    phrase = name(chooser) if chooser.chance(0.3) else the_person(chooser)
    return Phrase([*phrase.source, mark], [*phrase.target, TargetWord("'s", (mark,))])


def name(chooser: Chooser) -> Phrase:
    """A person's name."""
    word = chooser.small("name")
    return content(word.chinese, word.english)


def the_person(chooser: Chooser) -> Phrase:
    """A bare profession, which English makes definite: 老师, the teacher."""
    phrase = described(chooser, chooser.thing(("person",)), is_plural=False, adjective_share=0.15)
    return with_determiner(phrase, "the")


def person(chooser: Chooser, case: str = "subject") -> Phrase:
    """Somebody: a pronoun, a name, a relative or a person by profession."""
    form = chooser.weighted({"pronoun": 4, "name": 1.5, "the": 2, "relation": 1, "noun": 2})
    if form == "pronoun":
        return pronoun(chooser, case)
    if form == "name":
        return name(chooser)
    if form == "the":
        return the_person(chooser)
    if form == "relation":
        possessive = pronoun(chooser, "owner")
        relative = content_of(Thing(chooser.one_of(chooser.lexicon.nouns["relation"])), False)
        return Phrase(possessive.source + relative.source, possessive.target + relative.target)
    return determined(
        chooser, chooser.thing(("person",)), {"this": 2, "these": 1, "owned": 2, "number": 1}
    )


def content_of(thing: Thing, is_plural: bool) -> Phrase:
    """The noun with the modifiers of a technical term, each linked to its own word."""
    phrase = Phrase()
    for chinese, english in thing.modifiers:
        part = content(chinese, english)
        phrase.source += part.source
        phrase.target += part.target
    noun = thing.noun
    part = content(noun.chinese, (noun.plural or noun.singular) if is_plural else noun.singular)
    agreement = "plural" if is_plural and noun.plural else "singular"
    return Phrase(phrase.source + part.source, phrase.target + part.target, agreement)


def attributive(chooser: Chooser, adjective: Adjective) -> Phrase:
    """An adjective before its noun: 有趣的, 新, 很有趣的."""
    word = content(adjective.chinese, adjective.english)
    if adjective.chinese in ADJECTIVES_WITHOUT_DE:
        return word
    if adjective.chinese not in COLOURS and chooser.chance(0.1):
        degree = chooser.small("degree")
        before = content(degree.chinese, degree.english)
        word = Phrase(before.source + word.source, before.target + word.target)
    return Phrase([*word.source, function("的")], word.target)


def described(
    chooser: Chooser, thing: Thing, *, is_plural: bool, adjective_share: float = 0.35
) -> Phrase:
    """The thing, sometimes with an adjective or, for something to read, a subject matter."""
    noun = content_of(thing, is_plural)
    if thing.noun.kind in ("reading", "course") and chooser.chance(0.12):
        return about(chooser, noun)
    adjective = chooser.adjective(thing.noun.kind) if chooser.chance(adjective_share) else None
    if adjective is None:
        return noun
    before = attributive(chooser, adjective)
    return Phrase(before.source + noun.source, before.target + noun.target, noun.agreement)


def about(chooser: Chooser, noun: Phrase) -> Phrase:
    """关于数学的书: a book about mathematics."""
    topic = content_of(chooser.thing(("field", "compound", "city")), is_plural=True)
    mark = function("关于")
    source = [mark, *topic.source, function("的"), *noun.source]
    target = [*noun.target, TargetWord("about", (mark,)), *topic.target]
    return Phrase(source, target, noun.agreement)


def with_determiner(phrase: Phrase, word: str) -> Phrase:
    """Put an English determiner in front that no Chinese word stands for."""
    return Phrase(phrase.source, [TargetWord(word), *phrase.target], phrase.agreement)


def determined(chooser: Chooser, thing: Thing, forms: Mapping[str, float]) -> Phrase:
    """The thing with one of the forms of determiner, drawn by weight."""
    noun = thing.noun
    form = chooser.weighted(forms)
    if form == "container" and (noun.kind != "drink" or not noun.classifier):
        form = "bare"
    if noun.plural is None and form in ("one", "number", "this", "these"):
        form = "owned"
    if form == "container":
        return contained(chooser, thing)
    if form in ("one", "this", "number"):
        return counted(chooser, thing, form)
    is_plural = form != "owned"
    phrase = described(chooser, thing, is_plural=is_plural)
    if form == "bare":
        return phrase
    if form == "owned":
        before = owner(chooser)
        return Phrase(
            before.source + phrase.source, before.target + phrase.target, phrase.agreement
        )
    chinese, english = quantity(chooser, form, is_countable=noun.plural is not None)
    mark = function(chinese)
    return Phrase(
        [mark, *phrase.source], translate([mark], english) + phrase.target, phrase.agreement
    )


def quantity(chooser: Chooser, form: str, *, is_countable: bool) -> tuple[str, str]:
    """The word pair for these, many or some."""
    if form == "these":
        return chooser.one_of([("这些", "these"), ("那些", "those")])
    if form == "many":
        return "很多", "many" if is_countable else "a lot of"
    return "一些", "some"


def counted(chooser: Chooser, thing: Thing, form: str) -> Phrase:
    """一本书 a book, 这本书 this book, 三本书 three books."""
    phrase = described(chooser, thing, is_plural=form == "number")
    classifier = function(thing.noun.classifier)
    if form == "number":
        number = chooser.small("number")
        before = content(number.chinese, number.english)
    else:
        pairs = [("一", "a")] if form == "one" else [("这", "this"), ("那", "that")]
        chinese, english = chooser.one_of(pairs)
        mark = function(chinese)
        before = Phrase([mark], [TargetWord(english, (mark,))])
    source = [*before.source, classifier, *phrase.source]
    return Phrase(source, before.target + phrase.target, phrase.agreement)


def contained(chooser: Chooser, thing: Thing) -> Phrase:
    """一杯咖啡: a cup of coffee."""
    word = chooser.one_of(chooser.lexicon.small_words["container"])
    is_plural = chooser.chance(0.5)
    if is_plural:
        number = chooser.small("number")
        before = content(number.chinese, number.english)
    else:
        mark = function("一")
        before = Phrase([mark], [TargetWord("a", (mark,))])
    vessel = content(word.chinese, word.english + "s" * is_plural)
    drink = described(chooser, thing, is_plural=False, adjective_share=0.3)
    of = TargetWord("of", tuple(vessel.source))
    return Phrase(
        before.source + vessel.source + drink.source,
        [*before.target, *vessel.target, of, *drink.target],
        "plural" if is_plural else "singular",
    )


def something(chooser: Chooser, kinds: tuple[str, ...]) -> Phrase:
    """Any object of these kinds, sometimes a list."""
    if chooser.chance(0.18):
        return listing(chooser, kinds)
    thing = chooser.thing(kinds)
    if thing.noun.kind == "person":
        return person(chooser, "object")
    if thing.noun.kind == "place" and chooser.chance(0.6):
        return with_determiner(content_of(thing, is_plural=False), "the")
    if thing.noun.kind in BARE_KINDS and thing.noun.plural is None:
        return content_of(thing, is_plural=True)
    if thing.noun.kind == "place":
        return determined(chooser, thing, {**COUNTED, "bare": 0})
    return determined(chooser, thing, COUNTED if thing.noun.plural else UNCOUNTED)


def definite(chooser: Chooser, kinds: tuple[str, ...]) -> Phrase:
    """A particular thing, as 把 asks for: the book, this book, my books."""
    thing = chooser.thing(kinds)
    if thing.noun.kind == "city":
        return content_of(thing, is_plural=False)
    forms = DEFINITE if thing.noun.plural else {"bare": 1, "owned": 1}
    if chooser.weighted(forms) == "bare":
        phrase = described(chooser, thing, is_plural=False, adjective_share=0.2)
        return with_determiner(phrase, "the")
    return determined(chooser, thing, {**forms, "bare": 0})


def listing(chooser: Chooser, kinds: tuple[str, ...] = EVERYDAY_KINDS) -> Phrase:
    """Two or three bare nouns: A和B, A、B和C."""
    size = 3 if chooser.chance(0.35) else 2
    result = Phrase(agreement="plural")
    things: list[Thing] = []
    while len(things) < size:
        thing = chooser.thing(kinds)
        if thing not in things:
            things.append(thing)
    for index, thing in enumerate(things):
        item = content_of(thing, is_plural=True)
        if thing.noun.kind in ("person", "place"):
            item = with_determiner(content_of(thing, is_plural=False), "the")
        if index:
            is_last = index == size - 1
            mark = function("和" if is_last else "、")
            result.source.append(mark)
            result.target.append(TargetWord("and" if is_last else ",", (mark,)))
        result.source += item.source
        result.target += item.target
    return result
