import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { complete, ENGINES, OPTIONS } from '../src/editor/completion';

const DOCUMENT = [
  '# Data {#sec-data}',
  '```{r early}',
  '1',
  '```',
  '```{r}',
  '#| label: fig-late',
  '2',
  '```',
  '$$x (\\#eq:mean)$$',
  ''
].join('\n');

/** What completes a line at its end, at the bottom of the document, with the rest of its chunk. */
function completed(line: string, rest = ''): { items: string[]; replaced: string } | null {
  const text = `${DOCUMENT}\n${line}`;
  const found = complete(text + rest, text.length);
  return found && { items: found.items, replaced: text.slice(found.start, found.end) };
}

for (const [line, rest, replaced, items] of [
  ['```{r use, ref.label="', '"}\n```', '', ['early', 'fig-late']],
  ['```{r use, dependson=c("early", "fi', '"}\n```', 'fi', ['fig-late']],
  ['```{r use}\n<<ea', '>>\n```', 'ea', ['early']],
  ['```{r use}\n#| dependson: ["early", fig', ']\n```', 'fig', ['fig-late']],
  ['Figure \\@ref(fig:e', ')', 'fig:e', ['fig:early']],
  ['Equation \\@ref(eq', '', 'eq', ['eq:mean']],
  ['Section \\@ref(sec', '', 'sec', ['sec-data']],
  ['```{pyt', '', 'pyt', ['python']],
  ['```{r use, ech', '}\n```', 'ech', ['echo=']],
  ['```{r use, echo=c(1, 2), fig.wi', '}', 'fig.wi', ['fig.width=']],
  ['```{r}\n#| fig-w', '\n```', 'fig-w', ['fig-width: ']]
] as [string, string, string, string[]][]) {
  test(`${JSON.stringify(line)} is completed`, () => assert.deepEqual(completed(line, rest), { replaced, items }));
}

for (const line of [
  'Text <<ea',
  '```{r}\nech',
  '```{r, echo=c(ech',
  '```{r, fig.cap="a ech',
  '```{r, echo=ech',
  'ref.label="e'
]) {
  test(`${JSON.stringify(line)} is plain code or text`, () => assert.equal(completed(line, '\n```'), null));
}

test('the options and engines are those of knitr', () => {
  const code = 'cat(names(knitr::opts_chunk$get()), "\\n"); cat(names(knitr::knit_engines$get()))';
  const [options, engines] = execFileSync('Rscript', ['-e', code]).toString().split('\n');
  const seldom = 'cache.rebuild external fig.lp sanitize';
  const missing = (names: string, known: string) =>
    names
      .trim()
      .split(' ')
      .filter(name => !known.split(' ').includes(name));
  assert.deepEqual(missing(options, `${OPTIONS} ${seldom}`), []);
  const outdated = 'asy bslib coffee ditaa eviews fortran95 lein mysql php R targets';
  assert.deepEqual(missing(engines, `${ENGINES} ${outdated}`), []);
});
