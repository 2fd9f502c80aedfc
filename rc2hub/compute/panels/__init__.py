"""What each R kernel does for the panels of JupyterLab, whose code is in labextension/. The site's profile runs panels.R.

panels.R     connects the others to IRkernel: comms of the browser, the output of each cell, and what is done after it
describe.R   describes values without calling their methods
variables.R  sends the variables to the panel Environment
grid.R       sends rows of data frames and lazy tables to the data grid, sorted and filtered
statistics.R sends the statistics of a column of the data grid
connections.R  sends the tables of databases to the panel Connections
packages.R   sends the installed packages to the panel Packages
cells.R      the texts of the grid's cells
plots.R      keeps the plots, and draws them for the panel Plots
help.R       sends the pages of R's help to the panel Help
"""
