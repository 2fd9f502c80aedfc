import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keep, KeptOutput, Room, take } from '../src/editor/kept';

/** A browser with room for so many characters. */
function roomFor(size: number): Room {
  const items = new Map<string, string>();
  return {
    getItem: key => items.get(key) ?? null,
    removeItem: key => void items.delete(key),
    setItem: (key, value) => {
      if (value.length > size) {
        throw new Error('QuotaExceededError');
      }
      items.set(key, value);
    }
  };
}

const output = (name: string, text: string): KeptOutput => ({
  name,
  source: name,
  isWholeChunk: true,
  areas: [[{ output_type: 'stream', name: 'stdout', text }]]
});

test('outputs come back once, and not when another R runs', () => {
  const room = roomFor(1000);
  keep(room, 'a.Rmd', 'R 1', [output('early', '1')]);
  assert.deepEqual(take(room, 'b.Rmd', 'R 1'), []);
  assert.deepEqual(take(room, 'a.Rmd', 'R 1'), [output('early', '1')]);
  assert.deepEqual(take(room, 'a.Rmd', 'R 1'), []);
  keep(room, 'a.Rmd', 'R 1', [output('early', '1')]);
  assert.deepEqual(take(room, 'a.Rmd', 'R 2'), []);
  assert.deepEqual(take(room, 'a.Rmd', 'R 1'), []);
});

test('the largest output is a sentence if there is no room, and the others are kept', () => {
  const room = roomFor(1000);
  keep(room, 'a.Rmd', 'R 1', [output('large', 'x'.repeat(1000)), output('early', '1')]);
  const [large, early] = take(room, 'a.Rmd', 'R 1');
  assert.match(String(large.areas[0][0].text), /too large to be kept .* run the chunk again/);
  assert.deepEqual(early, output('early', '1'));
});

test('without any room nothing is kept and nothing fails', () => {
  const room = roomFor(10);
  keep(room, 'a.Rmd', 'R 1', [output('early', '1'), output('late', '2')]);
  assert.deepEqual(take(room, 'a.Rmd', 'R 1'), []);
});
