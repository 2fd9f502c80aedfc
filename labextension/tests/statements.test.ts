import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { chunksOf, isR } from '../src/editor/chunks';
import { statementsOf } from '../src/editor/statements';

const ROOT = path.join(__dirname, '../../../..');
const OWN = [
  'x <- function(a,\n  b = "}")\n{\n  a\n}\nx',
  'f <- function(x)\n  x + 1\n\n# a comment\nf(2)',
  'data |>\n  head() %>%\n  # here\n  tail()\nif (a) {\n  1\n} else {\n  2\n}',
  'for (i in 1:3)\n  print(i)\nwhile (TRUE)\n  break\nrepeat\n{ break }',
  'a; b\nc(1,\n2)[\n1]; d\n"a\nb\\""\n\'#\' # "',
  'r"(a")\n)"\nr(1)\nR"---[\n]--]---"\n`a\nb` <- 1\n\\(x)\n  x\n-1\n!\nTRUE\na$\nb\nx[[1]] <-\n 2',
  '# only a comment\n\n'
];

/** The lines of each expression that R itself finds, joined where two share a line. */
const R = `
texts <- jsonlite::fromJSON(readLines(file("stdin"), warn = FALSE))
rows <- lapply(texts, function(text) {
  parsed <- tryCatch(parse(text = text, keep.source = TRUE), error = function(error) NULL)
  if (is.null(parsed)) return(NULL)
  lapply(attr(parsed, "srcref"), function(place) as.integer(place)[c(1, 3)] - 1)
})
cat(jsonlite::toJSON(rows, null = "null"))
`;

function joined(rows: [number, number][]): [number, number][] {
  const found: [number, number][] = [];
  for (const [first, last] of rows) {
    const before = found.at(-1);
    if (before && before[1] === first) {
      before[1] = last;
    } else {
      found.push([first, last]);
    }
  }
  return found;
}

function chunksOfExamples(): string[] {
  const folders = ['examples', 'tests/compute/rmarkdown/documents'].map(folder => path.join(ROOT, folder));
  const files = folders.flatMap(folder => fs.readdirSync(folder).map(name => path.join(folder, name)));
  const documents = files
    .filter(file => /\.(Rmd|qmd)$/.test(file))
    .map(file => fs.readFileSync(file, 'utf8').split(/\r\n?|\n/));
  return documents.flatMap(lines => chunksOf(lines).filter(isR)).map(({ code }) => code.join('\n'));
}

test('statements are those of R', () => {
  const texts = [...OWN, ...chunksOfExamples()];
  const answer = execFileSync('Rscript', ['--vanilla', '-e', R], { input: JSON.stringify(texts), maxBuffer: 1 << 26 });
  const expected: ([number, number][] | null)[] = JSON.parse(answer.toString());
  assert.ok(texts.length > 100);
  assert.ok(expected.filter(rows => rows !== null).length > 0.9 * texts.length);
  texts.forEach((text, index) => {
    if (expected[index] !== null) {
      assert.deepEqual(statementsOf(text), joined(expected[index]), text);
    }
  });
});

test('a statement that never ends has all lines below it', () => {
  assert.deepEqual(statementsOf('f(\n1\n\n'), [[0, 3]]);
});
