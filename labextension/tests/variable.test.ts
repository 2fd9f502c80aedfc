import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linesBetween } from '../src/insert';
import { nextOrder, select, sizeOf, update, Variable } from '../src/environment/variable';

const variable = (name: string, type = 'numeric', size = [1], value = '1'): Variable => ({
  name,
  type,
  size,
  value,
  table: false
});
const all = [
  variable('x10'),
  variable('x9', 'data.frame', [336776, 19], 'year, month'),
  variable('f', 'function', [], 'function(a)')
];
const names = (variables: Variable[]) => variables.map(each => each.name);

test('names are in the order of their numbers', () => {
  assert.deepEqual(names(select(all, '', { column: 'name', descending: false })), ['f', 'x9', 'x10']);
});

test('the largest value comes first when sizes are descending, and what has no size last', () => {
  assert.deepEqual(names(select(all, '', { column: 'size', descending: true })), ['x9', 'x10', 'f']);
});

test('a search looks at name, type and value', () => {
  const found = (text: string) => names(select(all, text, { column: 'name', descending: false }));
  assert.deepEqual(found('DATA.'), ['x9']);
  assert.deepEqual(found('month'), ['x9']);
  assert.deepEqual(found(' x1'), ['x10']);
});

test('a second click on a column turns its order round', () => {
  const once = nextOrder({ column: 'name', descending: false }, 'size');
  assert.deepEqual(once, { column: 'size', descending: false });
  assert.deepEqual(nextOrder(once, 'size'), { column: 'size', descending: true });
});

test('sizes are written with spaces between thousands', () => {
  assert.equal(sizeOf(all[1]), '336\u202f776 × 19');
  assert.equal(sizeOf(all[2]), '');
});

test('changes replace, add and remove variables', () => {
  const variables = new Map(all.map(each => [each.name, each]));
  update(variables, { variables: [variable('f'), variable('new')], gone: ['x9'], total: 3 });
  assert.deepEqual([...variables.keys()].sort(), ['f', 'new', 'x10']);
  assert.equal(variables.get('f')?.type, 'numeric');
});

test('inserted code stands on lines of its own', () => {
  assert.equal(linesBetween('', 'line', ''), 'line');
  assert.equal(linesBetween('x <- 1', 'line', ''), '\nline');
  assert.equal(linesBetween('  ', 'line', 'y'), 'line\n');
});
