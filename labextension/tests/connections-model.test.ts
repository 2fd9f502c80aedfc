import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConnectionsModel } from '../src/connections/model';
import { RKernel } from '../src/kernel-model';
import { Comm, RProcess, settled } from './kernel';

const CODE = 'rc2::rc2_connect("flights")';
const flights = { name: 'flights', kind: 'connection', code: CODE };
const schema = { name: 'public', kind: 'schema', path: { schema: 'public' } };
const table = { name: 'planes', kind: 'table', path: { schema: 'public', table: 'planes' }, code: 'dplyr::tbl(…)' };

/** The panel is open, and R has said which connections there are. */
async function shown(...objects: object[]): Promise<{ model: ConnectionsModel; comm: Comm; kernel: RProcess }> {
  const kernel = new RProcess();
  const model = new ConnectionsModel();
  model.use(kernel as unknown as RKernel);
  model.show(true);
  await settled();
  const comm = kernel.comms[0];
  await comm.answer({ objects });
  return { model, comm, kernel };
}

test('a part of the tree is asked of R when it opens, with the names that lead to it', async () => {
  const { model, comm } = await shown(flights);
  const [database] = model.connections;
  void model.toggle(database);
  assert.deepEqual([comm.sent.at(-1)?.connection, comm.sent.at(-1)?.path], [CODE, {}]);
  await comm.answer({ objects: [schema] });
  void model.toggle(database.parts![0]);
  assert.deepEqual(comm.sent.at(-1)?.path, { schema: 'public' });
  await comm.answer({ objects: [table] });
  assert.equal(database.parts![0].parts![0].connection, CODE);
  const asked = comm.sent.length;
  void model.toggle(database);
  assert.equal(comm.sent.length, asked);
});

test('what R says is wrong stands at its part of the tree until that opens again', async () => {
  const { model, comm } = await shown(flights);
  const [database] = model.connections;
  void model.toggle(database);
  await comm.answer({ problem: 'permission denied' });
  assert.equal(database.problem, 'permission denied');
  void model.toggle(database);
  void model.toggle(database);
  await comm.answer({ objects: [] });
  assert.deepEqual([database.problem, database.parts], ['', []]);
});

test('without a connection the panel says what to do', async () => {
  const { model } = await shown();
  assert.equal(model.message, 'R has no connection to a database; attach a service, or connect with DBI.');
});

test('a restart of R empties the panel', async () => {
  const { model, kernel } = await shown(flights);
  kernel.become('restarting');
  assert.deepEqual(model.connections, []);
  assert.equal(model.message, 'The connections are shown when R is idle.');
});
