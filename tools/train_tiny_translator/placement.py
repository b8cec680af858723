"""Where things are and go: 在, 有, and 把 with its order of object before verb."""

from tools.train_tiny_translator.chooser import Chooser
from tools.train_tiny_translator.clauses import place
from tools.train_tiny_translator.english import present_participle
from tools.train_tiny_translator.lexicon import Verb
from tools.train_tiny_translator.noun_phrases import (
    content_of,
    definite,
    determined,
    person,
)
from tools.train_tiny_translator.verb_phrases import conjugate
from tools.train_tiny_translator.words import (
    Phrase,
    SourceWord,
    TargetWord,
    content,
    function,
    translate,
)

MOVABLE = ("thing", "reading", "food", "drink")
GIVE = {
    "交": "hand handed",
    "送": "give gave",
    "寄": "mail mailed",
    "借": "lend lent",
    "发": "send sent",
}
GIVEN = {"发": ("tech", "reading", "text"), "寄": ("thing", "reading"), "借": ("thing", "reading")}
BRING = {"带": "take took", "搬": "move moved"}
FINISHED = ("读", "写", "吃", "喝", "洗", "画", "看")
BA_TENSES = ("past", "past", "future", "want", "plan", "can", "should")
SURFACES = ("桌子", "椅子", "书架", "沙发", "床")
INSIDES = ("箱子", "包", "盒子", "抽屉", "冰箱", "汽车")


def spot(chooser: Chooser) -> Phrase:
    """桌子上 on the table, 箱子里 in the suitcase, 厨房里 in the kitchen."""
    kinds = ("furniture", "thing", "place")
    thing = chooser.thing(kinds)
    while not chooser.is_free and thing.noun.kind != "place":
        if thing.noun.chinese in SURFACES + INSIDES:
            break
        thing = chooser.thing(kinds)
    is_on = thing.noun.chinese in SURFACES or (chooser.is_free and chooser.chance(0.5))
    mark = function("上" if is_on else "里")
    noun = content_of(thing, is_plural=False)
    target = [TargetWord("on" if is_on else "in", (mark,)), TargetWord("the"), *noun.target]
    return Phrase([*noun.source, mark], target)


def ba_verb(chooser: Chooser) -> tuple[str, str, tuple[str, ...], Phrase]:
    """A verb for 把 with its English ``base past``, what it moves, and where to or whom."""
    form = chooser.weighted({"put": 3, "give": 3, "bring": 2, "translate": 1})
    if form == "put":
        goal = spot(chooser)
        mark = function("在")
        return "放", "put put", MOVABLE, Phrase([mark, *goal.source], goal.target)
    if form == "translate":
        thing = content_of(chooser.thing(("language",)), is_plural=False)
        mark = function("成")
        goal = Phrase([mark, *thing.source], [TargetWord("into", (mark,)), *thing.target])
        return "翻译", "translate translated", ("reading", "text"), goal
    mark = function("给" if form == "give" else "到")
    verb = chooser.one_of(list(GIVE if form == "give" else BRING))
    goal = person(chooser, "object") if form == "give" else destination(chooser)
    goal = Phrase([mark, *goal.source], [TargetWord("to", (mark,)), *goal.target])
    kinds = GIVEN.get(verb, MOVABLE) if form == "give" else ("thing", "furniture", "animal")
    return verb, (GIVE if form == "give" else BRING)[verb], kinds, goal


def destination(chooser: Chooser) -> Phrase:
    """A place without preposition."""
    thing = chooser.thing(("place", "city"))
    noun = content_of(thing, is_plural=False)
    article = [] if thing.noun.kind == "city" else [TargetWord("the")]
    return Phrase(noun.source, article + noun.target)


def ba_clause(chooser: Chooser) -> Phrase:
    """他把书放在桌子上了: he put the book on the table. Or, with 请, a request."""
    chinese, forms, kinds, goal = ba_verb(chooser)
    base, past = forms.split()
    verb = Verb(chinese, base, base + "s", past, present_participle(base), (), is_stative=False)
    moved = definite(chooser, kinds)
    mark = function("把")
    if chooser.chance(0.15):
        request = SourceWord("请", is_content=True)
        action = content(chinese, base)
        source = [request, mark, *moved.source, *action.source, *goal.source]
        target = translate([request], "please") + action.target + moved.target + goal.target
        return Phrase(source, target)
    subject = person(chooser)
    tense = chooser.one_of(BA_TENSES)
    group = conjugate(verb, subject.agreement, tense, is_negative=chooser.chance(0.2))
    verbs = [*group.before, mark, *moved.source, group.verb, *goal.source, *group.after]
    auxiliary = group.auxiliary + group.negation
    target = subject.target + auxiliary + group.main + moved.target + goal.target
    return Phrase(subject.source + verbs, target)


def finished(chooser: Chooser) -> Phrase:
    """我把书读完了: I finished reading the book."""
    chinese = chooser.one_of(FINISHED)
    verbs = {verb.chinese: verb for verb in chooser.lexicon.verbs}
    subject, verb = person(chooser), verbs[chinese]
    moved = definite(chooser, tuple(kind for kind in verb.objects if kind != "animal"))
    action = content(chinese, verb.participle)
    end = content("完", "finished")
    source = [*subject.source, function("把"), *moved.source, *action.source, *end.source]
    return Phrase(
        [*source, function("了")], subject.target + end.target + action.target + moved.target
    )


def existence(chooser: Chooser) -> Phrase:
    """桌子上有三本书: there are three books on the table."""
    where = spot(chooser)
    forms = {"one": 2, "number": 3, "many": 1, "some": 1}
    thing = chooser.thing(("thing", "reading", "animal", "food"))
    noun = determined(chooser, thing, forms if thing.noun.plural else {"many": 1, "some": 1})
    has = function("有")
    is_plural = noun.agreement == "plural"
    there = [TargetWord("there", (has,)), TargetWord("are" if is_plural else "is", (has,))]
    return Phrase([*where.source, has, *noun.source], there + noun.target + where.target)


def location(chooser: Chooser) -> tuple[Phrase, Phrase]:
    """Somebody or something, and where they are."""
    if chooser.chance(0.5):
        return person(chooser), place(chooser)
    goal = spot(chooser)
    mark = function("在")
    return definite(chooser, ("thing", "reading", "animal")), Phrase(
        [mark, *goal.source], goal.target
    )
