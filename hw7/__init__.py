"""The homework kit around ``helpers``: one room for each kind of reader.

- ``hw7.cli``: the command ``hw7``
- ``hw7.course``: instructors' questions, sheets, keys, grading, reports, release; on ``helpers``
- ``hw7.lessons``: notebooks 04 and 05, and the explorer; on ``helpers`` and ``hw7.views``
- ``helpers``: what students call: load, generate, explain, look up, show; on the three below
- ``hw7.engine``: exact scores from shared passes; a leaf
- ``hw7.views``: a sheet of numbers as HTML, PNG and SVG; a leaf
- ``hw7.fetch``: model files onto this machine, complete and checked; a leaf
"""
