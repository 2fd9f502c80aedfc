import assert from 'node:assert/strict';
import { test } from 'node:test';

import { describe, News } from '../src/preview/messages';

const news = (changes: Partial<News>): News => ({
  blocks: [{ key: 'a.0', state: 'fresh', line: 1 }],
  html: {},
  needs: [],
  running: null,
  ran: 0,
  kept: 0,
  seconds: 0,
  message: '',
  note: '',
  ...changes
});

test('the chunk that runs is named by its first line and its place', () => {
  assert.equal(describe(news({ running: { line: 19, opening: '```{r fit}' } })), '```{r fit} in line 19 runs…');
  assert.equal(describe(news({ running: { line: 3, opening: '' } })), 'R in the text of line 3 runs…');
});

test('what ran and what was kept is counted', () => {
  assert.equal(describe(news({ ran: 1, kept: 4, seconds: 0.26 })), '1 chunk ran in 0.3 s, 4 kept.');
  assert.equal(describe(news({ kept: 5 })), 'Nothing had to run, 5 chunks kept.');
});

test('what is not made is told behind the counts', () => {
  const note = 'Quarto itself does not run here: its callouts are not made.';
  assert.equal(describe(news({ kept: 5, note })), `Nothing had to run, 5 chunks kept. ${note}`);
});

test('a message comes before the counts, and a start before both', () => {
  assert.equal(describe(news({ ran: 1, message: 'R has ended.' })), 'R has ended.');
  assert.equal(describe(news({ blocks: [{ key: 'a.0', state: 'waiting', line: 1 }] })), 'R starts…');
});
