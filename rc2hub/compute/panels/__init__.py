"""What each R kernel does for the panels of JupyterLab, whose code is in labextension/. The site's profile runs panels.R.

panels.R     connects the others to IRkernel: comms of the browser, and what is done after each cell
describe.R   describes values without calling their methods
variables.R  sends the variables to the panel Environment
grid.R       sends rows of data frames and lazy tables to the data grid, sorted and filtered
cells.R      the texts of the grid's cells
"""
