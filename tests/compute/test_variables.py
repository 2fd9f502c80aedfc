"""What R tells the panel of variables: changes only, without touching, copying or slowing what the user has."""

from tests.fixtures.kernel import R

AWKWARD = r"""
numbers <- 1:3; text <- c("a", "b\u00e9"); day <- as.Date("2024-01-02"); group <- factor(c("u", "v"))
when <- as.POSIXct("2024-01-02 03:04:05", tz = "UTC"); big <- bit64::as.integer64("9007199254740993")
matrix <- matrix(0, 3, 4); table <- data.frame(a = 1:3, b = 4); wide <- as.data.frame(matrix(0, 2, 1e4)); many <- as.list(1:1e6)
f <- function(one, ...) stop("called"); bytes <- "\xe9"; `a name` <- NULL; long <- strrep("x", 1e6)
shy <- structure(list(), class = "shy"); print.shy <- length.shy <- format.shy <- function(x, ...) stop("called")
makeActiveBinding("active", function() stop("touched"), globalenv()); delayedAssign("lazy", stop("evaluated"))
get <- ls <- paste <- function(...) stop("the user's own")
"""
DESCRIBED = {
    "numbers": ("integer", [3], "1 2 3"),
    "text": ("character", [2], '"a" "bé"'),
    "day": ("Date", [1], "2024-01-02"),
    "group": ("factor", [2], "u v"),
    "when": ("POSIXct", [1], "2024-01-02 03:04:05 UTC"),
    "big": ("integer64", [1], "9007199254740993"),
    "matrix": ("matrix", [3, 4], "0 0 0 0 0 0 …"),
    "table": ("data.frame", [3, 2], "a, b"),
    "wide": ("data.frame", [2, 10000], "V1, V2, V3, V4, V5, V6, …"),
    "many": ("list", [1000000], ""),
    "f": ("function", [], "function(one, ...)"),
    "bytes": ("character", [1], '"<e9>"'),
    "a name": ("NULL", [], ""),
    "long": ("character", [1], '"' + 78 * "x" + "…"),
    "shy": ("shy", [0], ""),
    "active": ("not evaluated", [], ""),
    "lazy": ("not evaluated", [], ""),
}


async def test_a_value_is_described_without_calling_what_the_user_has_defined(r: R):
    await r.run(AWKWARD)
    [(_, _, sent)] = await r.open()
    described = {each["name"]: (each["type"], each["size"], each["value"]) for each in sent["variables"]}
    assert {name: described[name] for name in DESCRIBED} == DESCRIBED


async def test_r_sends_what_has_changed_and_nothing_else(r: R):
    await r.run("a <- 1; b <- 2; table <- data.frame(x = 1)")
    await r.open()
    [(_, _, sent)] = await r.run("a <- 'new'; rm(b); table$y <- 2; c <- 3")
    assert {each["name"] for each in sent["variables"]} == {"a", "table", "c"}
    assert (sent["gone"], sent["total"]) == (["b"], 3)
    assert await r.run("print(a)") == []
    assert await r.run("a[[1]] <- 'in place'; stop('an error')") != []
    assert "an error" in r.output


async def test_a_closed_panel_is_sent_nothing(r: R):
    assert await r.run("a <- 1") == []
    await r.open()
    await r.send("comm_close", data={})
    assert await r.run("a <- 2") == []


async def test_a_variable_is_removed_and_no_other(r: R):
    await r.run("`a name` <- 1; b <- 2")
    await r.open()
    [(_, _, sent)] = await r.send("comm_msg", data={"remove": "a name"})
    assert sent["gone"] == ["a name"]
    assert await r.send("comm_msg", data={"remove": "print"}) == []
    await r.run("cat(ls())")
    assert r.output == "b"


async def test_another_window_takes_the_panel_over(r: R):
    await r.open("first")
    messages = await r.open()
    assert [message[:2] for message in messages] == [("comm_close", "first"), ("comm_msg", "panel")]


async def test_r_copies_no_large_value_because_of_the_panel(r: R):
    await r.run("vector <- rnorm(1e6); zz <- data.frame(x = rnorm(1e6)); vector[1] <- 0; zz$x[1] <- 0")
    await r.open()
    await r.run("before <- rlang::obj_address(vector); x <- rlang::obj_address(zz$x)")
    await r.run("vector[2] <- 0")
    await r.run("cat(identical(before, rlang::obj_address(vector)))")
    assert r.output == "TRUE"
