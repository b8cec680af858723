"""What things are like, are, or belong to: 很, 比, 是, 有, 对 ... 感兴趣."""

from tools.train_tiny_translator.chooser import Chooser, Thing
from tools.train_tiny_translator.clauses import relative
from tools.train_tiny_translator.noun_phrases import (
    COLOURS,
    content_of,
    described,
    determined,
    listing,
    person,
    with_determiner,
)
from tools.train_tiny_translator.verb_phrases import BE
from tools.train_tiny_translator.words import (
    Phrase,
    TargetWord,
    content,
    function,
    translate,
)

GENERAL_TOPICS = ("field", "compound", "language", "drink", "tech", "food")
PARTICULAR_TOPICS = ("tech", "food", "drink")
TOPICS = (
    *("thing", "reading", "show", "animal", "abstract", "place", "math", "text", "furniture"),
    *("song", *GENERAL_TOPICS, "compound", "person", "person", "person"),
)


def possession(chooser: Chooser) -> Phrase:
    """我有一本书: I have a book. 我没有书: I do not have books."""
    subject = person(chooser)
    is_singular = subject.agreement == "singular"
    thing = chooser.thing(("thing", "reading", "animal", "tech", "abstract", "drink", "furniture"))
    if chooser.chance(0.3):
        has = function("没有")
        words = ["does" if is_singular else "do", "not", "have"]
        noun = content_of(thing, is_plural=True)
    else:
        has = function("有")
        words = ["has" if is_singular else "have"]
        forms = {"one": 2, "number": 2, "many": 1, "some": 1}
        noun = determined(chooser, thing, forms if thing.noun.plural else {"many": 1, "some": 1})
    verb = [TargetWord(word, (has,)) for word in words]
    return Phrase([*subject.source, has, *noun.source], subject.target + verb + noun.target)


def topic(chooser: Chooser, kind: str = "") -> tuple[Phrase, str]:
    """Something to be called interesting or important, and its kind (the one given, if any)."""
    kind = kind or chooser.one_of(TOPICS)
    if kind == "person":
        return person(chooser), kind
    if kind in GENERAL_TOPICS and chooser.chance(0.15):
        return listing(chooser, (kind,)), kind
    if kind in GENERAL_TOPICS and (kind not in PARTICULAR_TOPICS or chooser.chance(0.5)):
        return bare_topic(chooser, chooser.thing((kind,))), kind
    if chooser.chance(0.3):
        phrase, noun_kind = relative(chooser)
        return (phrase, noun_kind) if noun_kind == kind or chooser.is_free else topic(chooser, kind)
    thing = chooser.thing((kind,))
    if chooser.chance(0.4):
        return bare_topic(chooser, thing), kind
    forms = {"this": 2, "these": 1, "owned": 2} if thing.noun.plural else {"owned": 1}
    return determined(chooser, thing, forms), kind


def bare_topic(chooser: Chooser, thing: Thing) -> Phrase:
    """A noun without determiner: data is useful in general, but it is the book that is new.

    Chinese leaves open which is meant; here the kind of noun alone decides, so that each sentence
    has one translation.
    """
    is_general = thing.noun.kind in GENERAL_TOPICS or thing.noun.kind == "city"
    phrase = described(chooser, thing, is_plural=is_general, adjective_share=0.1)
    return phrase if is_general else with_determiner(phrase, "the")


def quality(chooser: Chooser, kind: str, *, is_comparison: bool = False) -> Phrase:
    """An adjective that things of this kind can be said to be, or more so than others."""
    adjective = chooser.adjective(kind)
    while adjective is None or adjective.chinese in COLOURS:
        adjective = chooser.adjective(kind)
    return content(adjective.chinese, adjective.comparative if is_comparison else adjective.english)


def description(chooser: Chooser) -> Phrase:
    """这本书很有趣: this book is very interesting; with 不: is not interesting."""
    subject, kind = topic(chooser)
    adjective = quality(chooser, kind)
    if chooser.chance(0.25):
        mark = function("不")
        degree = Phrase([mark], [TargetWord("not", (mark,))])
    else:
        word = chooser.small("degree")
        degree = content(word.chinese, word.english)
    target = [*subject.target, TargetWord(BE[subject.agreement]), *degree.target, *adjective.target]
    return Phrase(subject.source + degree.source + adjective.source, target)


def comparison(chooser: Chooser) -> Phrase:
    """这本书比那本书有趣: this book is more interesting than that book."""
    subject, kind = topic(chooser)
    other = person(chooser, "object") if kind == "person" else topic(chooser, kind)[0]
    adjective = quality(chooser, kind, is_comparison=True)
    mark = function("比")
    verb = TargetWord(BE[subject.agreement])
    than = TargetWord("than", (mark,))
    return Phrase(
        [*subject.source, mark, *other.source, *adjective.source],
        [*subject.target, verb, *adjective.target, than, *other.target],
    )


def identity(chooser: Chooser) -> Phrase:
    """她是一位有名的科学家: she is a famous scientist. 这是我的书: this is my book."""
    verb = function("是")
    if chooser.chance(0.5):
        chinese, english = chooser.one_of([("这", "this"), ("那", "that")])
        subject = Phrase([function(chinese)], [])
        subject.target = translate(subject.source, english)
        thing = chooser.thing(("thing", "reading", "tech", "abstract", "animal", "place"))
        forms = {"one": 1, "owned": 1} if thing.noun.plural else {"owned": 1}
        noun = determined(chooser, thing, forms)
    else:
        subject = person(chooser)
        while subject.agreement == "plural":
            subject = person(chooser)
        thing = chooser.thing(("person",))
        noun = described(chooser, thing, is_plural=False, adjective_share=0.5)
        counter = [function("一"), function(thing.noun.classifier or "个")]
        article = TargetWord("a", (counter[0],))
        if chooser.chance(0.5):
            counter, article = [], TargetWord("a")
        noun = Phrase(counter + noun.source, [article, *noun.target])
    target = [*subject.target, TargetWord(BE[subject.agreement], (verb,)), *noun.target]
    return Phrase([*subject.source, verb, *noun.source], target)


def interest(chooser: Chooser) -> Phrase:
    """我对机器学习很感兴趣: I am very interested in machine learning."""
    subject = person(chooser)
    thing = content_of(chooser.thing(("field", "compound", "language", "math")), is_plural=True)
    if chooser.chance(0.4):
        thing = listing(chooser, ("field", "compound", "language"))
    degree = Phrase()
    if chooser.chance(0.5):
        word = chooser.small("degree")
        degree = content(word.chinese, word.english)
    elif chooser.chance(0.4):
        mark = function("不")
        degree = Phrase([mark], [TargetWord("not", (mark,))])
    mark, end = function("对"), content("感兴趣", "interested")
    target = [*subject.target, TargetWord(BE[subject.agreement]), *degree.target, *end.target]
    source = [*subject.source, mark, *thing.source, *degree.source, *end.source]
    return Phrase(source, [*target, TargetWord("in", (mark,)), *thing.target])
