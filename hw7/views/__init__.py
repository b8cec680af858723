"""How an explanation is shown: one sheet of scores, drawn as a web page or as a picture."""
