"""English inflection, by lemminflect; only what it gets wrong in this lexicon is said here."""

from functools import cache

from lemminflect import getInflection

BE = {
    "present": {"first": "am", "singular": "is", "plural": "are"},
    "past": {"first": "was", "singular": "was", "plural": "were"},
}
INVARIANT = {
    "will",
    "can",
    "cannot",
    "must",
    "should",
    "may",
    "did",
    "would",
    "could",
    "had",
    "let",
}
AUXILIARIES = {"be", "do", "have"} | INVARIANT
TAGS = {"past": "VBD", "participle": "VBN", "ing": "VBG", "third": "VBZ", "plural": "NNS"}
CORRECTED = {
    ("person", "plural"): "people",
    ("adult", "plural"): "adults",
    ("fish", "plural"): "fish",
    ("sheep", "plural"): "sheep",
    ("deer", "plural"): "deer",
    ("shrimp", "plural"): "shrimp",
    ("mouse", "plural"): "mice",
    ("index", "plural"): "indexes",
    ("matrix", "plural"): "matrices",
    ("vertex", "plural"): "vertices",
    ("corpus", "plural"): "corpora",
    ("lie", "ing"): "lying",
    ("lie", "past"): "lied",
    ("lie", "participle"): "lied",
    ("hang", "past"): "hung",
    ("hang", "participle"): "hung",
    ("fit", "past"): "fit",
    ("get", "participle"): "gotten",
    ("dream", "past"): "dreamed",
    ("learn", "past"): "learned",
    ("learn", "participle"): "learned",
    ("smell", "past"): "smelled",
    ("smell", "participle"): "smelled",
    ("burn", "past"): "burned",
}
COMPARATIVES = {
    "good": ("better", "best"),
    "bad": ("worse", "worst"),
    "far": ("farther", "farthest"),
    "many": ("more", "most"),
}
SHORT_ENDINGS = ("y", "er", "le", "ow")
ADVERBS = {
    "good": "well",
    "fast": "fast",
    "early": "early",
    "late": "late",
    "far": "far",
    "high": "high",
    "low": "low",
    "long": "long",
    "hard": "hard",
    "hardworking": "hard",
    "deep": "deeply",
    "full": "fully",
    "true": "truly",
}


@cache
def inflected(word: str, form: str) -> str:
    """One word in a form: ``past``, ``participle``, ``ing``, ``third`` or ``plural``."""
    if (word, form) in CORRECTED:
        return CORRECTED[word, form]
    found = getInflection(word, tag=TAGS[form])
    return found[0] if found else word + {"plural": "s", "third": "s", "ing": "ing"}.get(form, "ed")


@cache
def plural(noun: str) -> str:
    """The plural of a noun of one or more words; in "sense of time" the first one inflects."""
    head, of, rest = noun.partition(" of ")
    head, in_, place = head.partition(" in ")
    *before, last = head.split(" ")
    if last.isupper() or not last.isalpha():
        return " ".join([*before, f"{last}s"]) + of + rest + in_ + place
    return " ".join([*before, inflected(last, "plural")]) + of + rest + in_ + place


def finite(verb: str, tense: str, agreement: str) -> str:
    """The verb after a subject, ``tense`` being ``present`` or ``past``."""
    if verb == "be":
        return BE[tense][agreement]
    if verb in INVARIANT:
        return verb
    if tense == "past":
        return inflected(verb, "past")
    return inflected(verb, "third") if agreement == "singular" else verb


@cache
def is_short(adjective: str) -> bool:
    """Whether the adjective compares with -er: one syllable, or two ending in -y, -er, -le, -ow."""
    if " " in adjective or "-" in adjective or adjective.endswith(("ed", "ous", "ful", "ly")):
        return adjective in ("early", "friendly", "lively", "lonely", "red")
    syllables = 0
    before = False
    for letter in adjective.removesuffix("e"):
        is_vowel = letter in "aeiouy"
        syllables += is_vowel and not before
        before = is_vowel
    if adjective in ("real", "true", "eternal", "fun", "wrong", "right", "fake", "same", "last"):
        return False
    if adjective.endswith(("able", "ible")):
        return False
    return syllables <= 1 or (syllables == 2 and adjective.endswith(SHORT_ENDINGS))


@cache
def compared(adjective: str, degree: int) -> str:
    """Comparative (0) or superlative (1): ``bigger``, ``most important``."""
    if adjective in COMPARATIVES:
        return COMPARATIVES[adjective][degree]
    if is_short(adjective):
        if adjective.endswith(("ee", "ue")):
            return adjective + ("r", "st")[degree]
        found = getInflection(adjective, tag=("JJR", "JJS")[degree])
        return found[0] if found else adjective + ("er", "est")[degree]
    return f"{('more', 'most')[degree]} {adjective}"


@cache
def more_and_more(adjective: str) -> str:
    """``hotter and hotter``, ``more and more important``."""
    comparative = compared(adjective, 0)
    if comparative.startswith("more "):
        return f"more and {comparative}"
    return f"{comparative} and {comparative}"


@cache
def adverb(adjective: str) -> str:
    """How something is done: quickly, well."""
    if adjective in ADVERBS:
        return ADVERBS[adjective]
    if adjective.endswith("y") and len(adjective) > 3:
        return adjective[:-1] + "ily"
    if adjective.endswith("ic"):
        return adjective + "ally"
    if adjective.endswith("le"):
        return adjective[:-1] + "y"
    return adjective + "ly"


@cache
def ordinal(number: str) -> str:
    """``tenth`` for ``ten``, ``twenty-first`` for ``twenty-one``."""
    before, dash, last = number.rpartition("-")
    irregular = {"one": "first", "two": "second", "three": "third", "five": "fifth"}
    irregular |= {"eight": "eighth", "nine": "ninth", "twelve": "twelfth"}
    if last in irregular:
        return before + dash + irregular[last]
    return before + dash + (last[:-1] + "ieth" if last.endswith("y") else last + "th")
