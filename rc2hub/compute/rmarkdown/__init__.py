"""R Markdown and Quarto documents: as notebooks, where what was not edited stays byte for byte; Knit; and Preview.

document.py  cuts a document into head, chunks and text, by knitr's own rules
cells.py     makes notebook cells of these, and a document of the cells
contents.py  the contents manager of the Jupyter server, which opens and saves such documents as notebooks
knit.py      runs a document in a new R, as a job, and writes its output beside it
knit.R       what that R does
knit_handler.py  starts such jobs, tells their state and cancels them
quarto.R     what rmarkdown can do with the head of a Quarto document, for Knit and Preview
quarto.py    what only Quarto itself can do
preview.py   shows a document to pages while it is edited, and runs what an edit changes
preview_handler.py  connects the pages
live_r.py    the R of a preview
live/        the engine in that R: what a chunk reads and writes, and whether it has to run again; engine.R is its beginning
kept_results.py  the files of results for the next R of a document
blocks.py    the HTML of a preview, in blocks that are replaced one by one
references.py  bookdown's numbers and references in that HTML
chunks.R     runs such cells in R's kernel: options, other engines, child documents, params
"""
