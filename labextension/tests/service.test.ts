import assert from 'node:assert/strict';
import { test } from 'node:test';

import { levelsToAttach, reasonOf, roleOf, Service, stateOf } from '../src/services/service';

const flights: Service = {
  service: 'flights',
  kind: 'postgres',
  display_name: 'Flights from New York',
  granted: ['read', 'write'],
  level: 'read',
  role: 'rc2_alice',
  expires_at: '2030-05-01T10:00:00+00:00',
  state: 'attached',
  message: '',
  contact: 'the operator of this hub',
  r_code: 'con <- rc2_connect("flights")',
  python_code: ''
};

test('an attached service says its level, as whom and until when', () => {
  assert.equal(stateOf(flights), 'attached (read)');
  assert.match(roleOf(flights), /^As rc2_alice, until .*2030.*; renewed while the server runs\.$/);
  assert.equal(reasonOf(flights), '');
});

test('an attached service can be attached at another granted level', () => {
  assert.deepEqual(levelsToAttach(flights), ['write']);
});

test('a service that failed can be tried again at each granted level', () => {
  assert.deepEqual(levelsToAttach({ ...flights, state: 'failed' }), ['read', 'write']);
});

test('a service without a grant says why not and whom to ask, and offers nothing', () => {
  const refused: Service = {
    ...flights,
    granted: [],
    state: 'detached',
    level: '',
    role: '',
    message: 'You have no grant.'
  };
  assert.equal(stateOf(refused), 'not attached');
  assert.equal(reasonOf(refused), 'You have no grant. Ask the operator of this hub.');
  assert.deepEqual(levelsToAttach(refused), []);
});
