"""Color scales that the color-blind can read: one hue for shares, orange and blue for signs.

The blues and the orange-to-blue scale follow ColorBrewer's Blues and the ends of PuOr; lightness
changes evenly, so they also survive a print in grey. The dark theme has scales of its own that
start at the dark background.
"""

SEQUENTIAL_LIGHT = ("#ffffff", "#d6e6f4", "#8fc1e3", "#3787c0", "#0b4d94", "#08306b")
SEQUENTIAL_DARK = ("#161a20", "#17344f", "#1b5a8e", "#2f8bd0", "#86c5f4", "#e3f2fd")
DIVERGING_LIGHT = ("#7f3b08", "#c4670b", "#f0a94a", "#fbdcb0", "#ffffff", "#c6dcef", "#6aaed6",
                   "#2270b5", "#08306b")  # fmt: skip
DIVERGING_DARK = ("#ffe3bf", "#f5a94a", "#b4620f", "#5d3a18", "#161a20", "#17395c", "#1b659f",
                  "#62b0ea", "#e3f2fd")  # fmt: skip

SCALES = {
    "light": {"sequential": SEQUENTIAL_LIGHT, "diverging": DIVERGING_LIGHT},
    "dark": {"sequential": SEQUENTIAL_DARK, "diverging": DIVERGING_DARK},
}
