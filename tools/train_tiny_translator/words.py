"""Words that know where they come from: a phrase carries both languages and their links."""

from dataclasses import dataclass, field

from tools.train_tiny_translator import english
from tools.train_tiny_translator.lexicon import Word

VOWELS = "aeiou"
SOUNDS_LIKE_A_CONSONANT = ("university", "useful", "useless", "user", "uniform", "unit", "eu")
SOUNDS_LIKE_A_VOWEL = ("hour", "honest", "MP3", "ID", "RNN", "LSTM", "LLM", "NLP", "API", "HTML")
NO_SPACE_BEFORE = (".", ",", "?", "!", "'s", "'")


class NoFit(Exception):
    """No word fits the place; another pattern is tried."""


@dataclass(eq=False)
class SourceWord:
    """One Chinese word. Identity matters: the same word may occur twice in a sentence."""

    text: str
    is_content: bool = False


@dataclass(eq=False)
class TargetWord:
    """One English word with the Chinese words it translates; a verb awaits its form."""

    text: str
    sources: tuple[SourceWord, ...] = ()
    is_content: bool = False
    tense: str = ""


@dataclass
class Phrase:
    """A piece of both sentences; the two sides may order their words differently.

    Attributes:
        agreement: What a verb after this subject agrees with: first, singular or plural.
        word: The lexicon's entry, for a phrase that is one word or a technical term.
        mark: The Chinese word that 了, 过 or 着 follow.
    """

    source: list[SourceWord] = field(default_factory=list)
    target: list[TargetWord] = field(default_factory=list)
    agreement: str = "singular"
    word: Word | None = None
    mark: SourceWord | None = None

    @property
    def head(self) -> TargetWord | None:
        """The English verb that awaits its form."""
        return next((word for word in self.target if word.tense), None)

    def settle(self, form: str, agreement: str = "") -> None:
        """Give the verb its form; a tense without agreement waits for its subject."""
        head = self.head
        if head is None:
            return
        if form in ("present", "past") and not agreement:
            head.tense = form
            return
        if form == "finite":
            head.text = english.finite(head.text, head.tense, agreement)
        elif form != "base":
            head.text = english.inflected(head.text, form)
        head.tense = ""


@dataclass(frozen=True)
class SentencePair:
    """A finished sentence in both languages.

    Attributes:
        source_words: Chinese words in order; joined without spaces they are the source text.
        target_words: English words in order, punctuation and ``'s`` standing alone.
        alignment: Links ``(source index, target index)``, sorted, indices from 0.
        source_content: For each source word, whether it is a content word.
        target_content: For each target word, whether it is a content word.
    """

    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    alignment: tuple[tuple[int, int], ...]
    source_content: tuple[bool, ...]
    target_content: tuple[bool, ...]

    @property
    def source_text(self) -> str:
        """The Chinese sentence as a student would type it."""
        return "".join(self.source_words)

    @property
    def target_text(self) -> str:
        """The English sentence with its usual spacing."""
        text = ""
        for word in self.target_words:
            text += word if not text or word in NO_SPACE_BEFORE else f" {word}"
        return text


def translate(sources: list[SourceWord], text: str) -> list[TargetWord]:
    """English words that all translate the same Chinese words."""
    is_content = any(source.is_content for source in sources)
    return [
        TargetWord(word, tuple(sources), is_content and word not in FUNCTION_WORDS)
        for word in text.split()
    ]


def content(chinese: str, text: str, word: Word | None = None) -> Phrase:
    """A content word and its translation, which may be several English words."""
    source = SourceWord(chinese, is_content=True)
    return Phrase([source], translate([source], text), word=word)


def verb_phrase(word: Word) -> Phrase:
    """A verb that awaits its form."""
    phrase = content(word.chinese, word.english, word)
    phrase.target[0].tense = "present"
    phrase.mark = phrase.source[0]
    return phrase


def finish(phrase: Phrase) -> SentencePair:
    """Fix ``a``/``an`` and the capital letter, and turn links into index pairs."""
    merge_demonstratives(phrase)
    position = {id(word): index for index, word in enumerate(phrase.source)}
    # Some names bring their own article: the (the Great Wall) of China.
    phrase.target = [
        word
        for word, after in zip(phrase.target, [*phrase.target[1:], None], strict=True)
        if after is None or (word.text, after.text) != ("the", "the")
    ]
    texts = [word.text for word in phrase.target]
    for index, text in enumerate(texts[:-1]):
        if text == "a" and is_vowel_sound(texts[index + 1]):
            texts[index] = "an"
    texts[0] = texts[0][0].upper() + texts[0][1:]
    links = {
        (position[id(source)], index)
        for index, word in enumerate(phrase.target)
        for source in word.sources
    }
    return SentencePair(
        source_words=tuple(word.text for word in phrase.source),
        target_words=tuple(texts),
        alignment=tuple(sorted(links)),
        source_content=tuple(word.is_content for word in phrase.source),
        target_content=tuple(word.is_content for word in phrase.target),
    )


MERGED = frozenset(("这个", "那个", "哪个", "将会"))


def merge_demonstratives(phrase: Phrase) -> None:
    """Write 这 and 个 as the one word that the tokenizer knows them as."""
    merged: list[SourceWord] = []
    for word in phrase.source:
        if merged and merged[-1].text + word.text in MERGED:
            first = merged[-1]
            first.text += word.text
            for target in phrase.target:
                if word in target.sources:
                    kept = (other for other in target.sources if other is not word)
                    target.sources = tuple(dict.fromkeys([*kept, first]))
        else:
            merged.append(word)
    phrase.source = merged


def is_vowel_sound(word: str) -> bool:
    """Whether English writes ``an`` in front of the word."""
    if word.startswith(SOUNDS_LIKE_A_VOWEL):
        return True
    return word[0].lower() in VOWELS and not word.lower().startswith(SOUNDS_LIKE_A_CONSONANT)


FUNCTION_WORDS_TEXT = (
    "a an the this that these those of to in on at with for from into about than by and or but "
    "because so if when although do does did is are am was were will can cannot must should not "
    "have has had be been being every as it there much many very too more most get gets getting "
    "up out off one's I my me you your he him his she her we us our they them their over under "
    "down back"
)
FUNCTION_WORDS = frozenset(FUNCTION_WORDS_TEXT.split())
