"""R Markdown and Quarto documents as notebooks, without loss: what was not edited stays as it is, byte for byte; and Knit.

document.py  cuts a document into head, chunks and text, by knitr's own rules
cells.py     makes notebook cells of these, and a document of the cells
contents.py  the contents manager of the Jupyter server, which opens and saves such documents as notebooks
knit.py      runs a document in a new R, as a job, and writes its output beside it
knit.R       what that R does
knit_handler.py  starts such jobs, tells their state and cancels them
chunks.R     runs such cells in R's kernel: options, other engines, child documents, params
"""
