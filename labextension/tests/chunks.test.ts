import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

import { cellOf, chunksOf, linesCellOf, nameOf, textOf } from '../src/editor/chunks';

const ROOT = path.join(__dirname, '../../../..');

/** What the server has for the documents of its tests, each also with some lines removed: its text, and its chunks. */
const SERVER = `
import json, pathlib, random
from rc2hub.compute.rmarkdown.cells import to_cells
from rc2hub.compute.rmarkdown.document import Kind, first_lines, lines_of, split
documents = pathlib.Path("tests/compute/rmarkdown/documents").iterdir()
texts = [file.read_bytes().decode().replace("\\r\\n", "\\n").replace("\\r", "\\n") for file in sorted(documents)]
chance = random.Random(1)
for text in list(texts):
    for share in (0.05, 0.3, 0.6):
        texts.append("".join(line for line in lines_of(text) if chance.random() > share))
answer = []
for text in texts:
    pieces = split(text)
    chunks = [(first - 1, first - 2 + len(lines_of(piece.text))) for first, piece in zip(first_lines(pieces), pieces)
              if piece.kind is Kind.CHUNK]
    answer.append([text, chunks, [cell["source"] for cell in to_cells(text) if cell["cell_type"] == "code"]])
print(json.dumps(answer))
`;

test('chunks and what R runs for them are those of the notebook', () => {
  const answer = execFileSync('python3', ['-c', SERVER], { cwd: ROOT, maxBuffer: 1 << 27 }).toString();
  const documents: [string, [number, number][], string[]][] = JSON.parse(answer);
  assert.ok(documents.length > 200);
  for (const [text, places, cells] of documents) {
    const chunks = chunksOf(text.split('\n'));
    assert.deepEqual(
      chunks.map(({ first, last }) => [first, last]),
      places,
      text
    );
    assert.deepEqual(chunks.map(cellOf), cells, text);
  }
});

test('a chunk is named by its label, wherever that is written, or by its line', () => {
  const names = (text: string) => chunksOf(text.split('\n')).map(nameOf);
  assert.deepEqual(names('```{r}\n```\n```{r fit, eval=FALSE}\n```'), ['the chunk in line 1', 'chunk fit']);
  assert.deepEqual(names("```{r, label='a b'}\n```\n```{sql}\n-- | x\n--| label: late\n```"), ['chunk a b', 'chunk late']);
  assert.deepEqual(names('```{r,echo = F}\n```'), ['the chunk in line 1']);
});

test('lines that the user runs are run whatever the options of the chunk are', () => {
  assert.equal(linesCellOf('#| eval: false\n#| label: a\nx # |'), '%%r, eval=TRUE\nx # |');
});

test('the outline sees the text at its place, without head and chunks', () => {
  assert.equal(textOf('---\ntitle: a\n---\n# b\n```{r}\n# c\n```\n# d'), '\n\n\n# b\n\n\n\n# d');
});
