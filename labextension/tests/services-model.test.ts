import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Listing, ServicesClient } from '../src/services/client';
import { ServicesModel } from '../src/services/model';
import { Service } from '../src/services/service';

const flights = { service: 'flights' } as Service;

/** Answers as the test says; a request that waits for a change ends when the panel is closed. */
class Client implements ServicesClient {
  tags: string[] = [];
  refusal = '';

  constructor(private answers: (Listing | null | Error)[]) {}

  async list(tag: string, signal: AbortSignal): Promise<Listing | null> {
    this.tags.push(tag);
    const answer = this.answers.shift();
    if (answer instanceof Error) {
      throw answer;
    }
    return answer === undefined
      ? new Promise((_, end) => signal.addEventListener('abort', () => end(new Error('aborted'))))
      : answer;
  }

  async attach(): Promise<void> {
    if (this.refusal) {
      throw new Error(this.refusal);
    }
  }

  async detach(): Promise<void> {}
}

const settled = () => new Promise(done => setImmediate(done));

test('one request waits for the next change, with the tag of the last answer', async () => {
  const client = new Client([{ services: [flights], tag: 'a' }, null, { services: [], tag: 'b' }]);
  const model = new ServicesModel(client);
  model.show(true);
  await settled();
  assert.deepEqual(client.tags, ['', 'a', 'a', 'b']);
  assert.deepEqual(model.services, []);
});

test('a hidden panel asks for nothing', async () => {
  const client = new Client([]);
  const model = new ServicesModel(client);
  model.show(true);
  model.show(false);
  await settled();
  assert.deepEqual(client.tags, ['']);
  assert.equal(model.problem, '');
});

test('while the server does not answer the panel says it and waits longer and longer', async () => {
  const pauses: number[] = [];
  const away = Array.from({ length: 6 }, () => new Error('No answer.'));
  const model = new ServicesModel(new Client([...away, { services: [flights], tag: 'a' }]), async milliseconds => {
    assert.equal(model.problem, 'No answer.');
    pauses.push(milliseconds);
  });
  model.show(true);
  await settled();
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 15000, 15000]);
  assert.equal(model.problem, '');
  assert.deepEqual(model.services, [flights]);
});

test('a refused change leaves its sentence, and the buttons work again', async () => {
  const client = new Client([]);
  client.refusal = 'flights: you have no grant for it; ask the operator of this hub.';
  const model = new ServicesModel(client);
  const attaching = model.attach(flights, 'read');
  assert.ok(model.busy.has('flights'));
  await attaching;
  assert.equal(model.notice, client.refusal);
  assert.equal(model.busy.size, 0);
});
