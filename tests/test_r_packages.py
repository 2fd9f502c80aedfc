"""R has the same packages on one machine and in the images r-compute and spark: those of r-packages.txt."""

import subprocess

from tests.fixtures.hub import ROOT
from tests.fixtures.r import MISSING_PACKAGES, listed_packages

DOCKERFILES = [ROOT / "images" / image / "Dockerfile" for image in ("r-compute", "spark")]


def test_one_list_names_the_r_packages_of_one_machine_and_of_the_images():
    dockerfiles = [file.read_text() for file in DOCKERFILES]
    assert all("grep '^r-' /build/r-packages.txt" in text for text in dockerfiles)
    run_section = (ROOT / "debian-packages.txt").read_text().split("[run]")[1].split("[")[0]
    for text in [*(text.replace("r-packages", "").replace("r-base-dev", "") for text in dockerfiles), run_section]:
        assert "r-cran-" not in text
        assert "r-base" not in text


def test_r_loads_every_package_of_the_list():
    command = ["Rscript", "-e", MISSING_PACKAGES, *listed_packages()]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_library_tidyverse_works():
    command = ["Rscript", "-e", "suppressMessages(library(tidyverse)); cat(nrow(filter(as_tibble(mtcars), cyl == 4)))"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "11"
