"""What each word consists of before training: its meanings in the lexicon and its form.

Chinese 书 and English book share the part "book"; books adds the part "plural", Books "capital".
"""

from collections import defaultdict

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import NOUN_KINDS, Word, words_of
from tools.train_tiny_translator.lexicon import sections as lexicon_sections
from tools.train_tiny_translator.numbers_and_names import characters, numbers, plain_numbers
from tools.train_tiny_translator.terminals import VERB_KINDS
from tools.train_tiny_translator.tokenizer import target_piece

VERB_FORMS = ("past", "participle", "ing", "third")


def parts_of(vocabulary: dict[str, int]) -> dict[str, list[str]]:
    """The parts of every piece that the lexicon explains."""
    forms: dict[str, list[str]] = {}
    senses: dict[str, list[str]] = defaultdict(list)
    for kind in lexicon_sections():
        for word in words_of(kind):
            add_word(word, forms, senses)
    for chinese, spelled in [*numbers(), *plain_numbers()]:
        senses[chinese] += spelled.split()
        forms.setdefault(english.ordinal(spelled), [spelled, "ordinal"])
    for kind in ("surname", "given"):
        for character, pinyin in characters(kind):
            senses[character].append(pinyin)
    parts = {chinese: [*dict.fromkeys(words), "chinese"] for chinese, words in senses.items()}
    for sense in sorted({sense for listed in senses.values() for sense in listed}):
        forms.setdefault(sense, [sense])
    for form, listed in list(forms.items()):
        parts[target_piece(form)] = listed
        capital = form[0].upper() + form[1:]
        if capital not in forms:
            parts[target_piece(capital)] = [*listed, "capital"]
    return {piece: listed for piece, listed in parts.items() if piece in vocabulary}


def add_word(word: Word, forms: dict[str, list[str]], senses: dict[str, list[str]]) -> None:
    """Add a word of the lexicon with the forms of its kind."""
    if word.kind in ("surname", "given", "collocation"):
        return
    words = word.english.split()
    senses[word.chinese] += [part for part in words if part not in senses[word.chinese]]
    if word.kind in VERB_KINDS and words[0] not in english.AUXILIARIES:
        for form in VERB_FORMS:
            forms.setdefault(english.inflected(words[0], form), [words[0], form])
    elif word.kind in NOUN_KINDS or word.kind in ("head", "modifier", "container"):
        many = english.plural(word.english).split()
        for one, other in zip(words, many, strict=True):
            if one != other:
                forms.setdefault(other, [one, "plural"])
    elif word.kind == "adj" and len(words) == 1:
        for degree, name in enumerate(("comparative", "superlative")):
            compared = english.compared(word.english, degree)
            if " " not in compared:
                forms.setdefault(compared, [word.english, name])
        forms.setdefault(english.adverb(word.english), [word.english, "adverb"])
