"""Regular English inflection; the irregular forms are in the lexicon files."""


def plural(noun: str) -> str:
    """The regular plural: boxes, stories, books."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def third_person(verb: str) -> str:
    """The present form after he or she; only the first word inflects (listens to)."""
    head, _, rest = verb.partition(" ")
    return f"{plural(head)} {rest}".strip()


def past(verb: str) -> str:
    """The regular past: used, studied, watched."""
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + "ed"


def present_participle(verb: str) -> str:
    """The regular -ing form: using, studying."""
    if verb.endswith("e"):
        return verb[:-1] + "ing"
    return verb + "ing"
