"""Words that know where they come from: a phrase carries both languages and their links."""

from dataclasses import dataclass, field

VOWELS = "aeiou"
SOUNDS_LIKE_A_CONSONANT = ("university", "useful")
NO_SPACE_BEFORE = (".", ",", "?", "!", "'s", "'")


@dataclass(eq=False)
class SourceWord:
    """One Chinese word. Identity matters: the same word may occur twice in a sentence."""

    text: str
    is_content: bool = False


@dataclass(eq=False)
class TargetWord:
    """One English word with the Chinese words it translates."""

    text: str
    sources: tuple[SourceWord, ...] = ()
    is_content: bool = False


@dataclass
class Phrase:
    """A piece of both sentences; the two sides may order their words differently."""

    source: list[SourceWord] = field(default_factory=list)
    target: list[TargetWord] = field(default_factory=list)
    agreement: str = "singular"
    """What a verb after this subject agrees with: first, singular or plural."""


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


def content(chinese: str, english: str) -> Phrase:
    """A content word and its translation, which may be several English words."""
    source = SourceWord(chinese, is_content=True)
    return Phrase([source], translate([source], english))


def translate(sources: list[SourceWord], english: str) -> list[TargetWord]:
    """English words that all translate the same Chinese words."""
    is_content = any(source.is_content for source in sources)
    return [
        TargetWord(word, tuple(sources), is_content and word not in FUNCTION_WORDS)
        for word in english.split()
    ]


def function(chinese: str) -> SourceWord:
    """A Chinese function word."""
    return SourceWord(chinese)


def finish(phrase: Phrase) -> SentencePair:
    """Fix ``a``/``an`` and the capital letter, and turn links into index pairs."""
    position = {id(word): index for index, word in enumerate(phrase.source)}
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


def is_vowel_sound(word: str) -> bool:
    """Whether English writes ``an`` in front of the word."""
    return word[0].lower() in VOWELS and word not in SOUNDS_LIKE_A_CONSONANT


FUNCTION_WORDS_TEXT = (
    "a an the this that these those of to in on at with for from into about than by and or but "
    "because so if when although do does did is are am was were will can cannot must should not "
    "have has be every"
)
FUNCTION_WORDS = frozenset(FUNCTION_WORDS_TEXT.split())
