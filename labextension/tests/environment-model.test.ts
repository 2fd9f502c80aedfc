import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EnvironmentModel } from '../src/environment/model';
import { RKernel } from '../src/kernel-model';
import { RProcess, settled } from './kernel';

const x = { name: 'x', type: 'numeric', size: [1], value: '1' };

async function shown(kernel: RProcess): Promise<EnvironmentModel> {
  const model = new EnvironmentModel(() => undefined);
  model.use(kernel as unknown as RKernel);
  model.show(true);
  await settled();
  return model;
}

test('R is asked for nothing while the panel is closed', async () => {
  const kernel = new RProcess();
  const model = new EnvironmentModel(() => undefined);
  model.use(kernel as unknown as RKernel);
  await settled();
  assert.equal(kernel.comms.length, 0);
  model.show(true);
  await settled();
  assert.ok(kernel.comms[0].opened);
  model.show(false);
  assert.ok(kernel.comms[0].isDisposed);
});

test('variables appear, change and go away', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  assert.equal(model.message, 'The variables are shown when R is idle.');
  kernel.comms[0].receive({ variables: [x], gone: [], total: 1 });
  assert.deepEqual(model.rows(), [x]);
  assert.equal(model.message, '');
  kernel.comms[0].receive({ variables: [], gone: ['x'], total: 0 });
  assert.equal(model.message, 'R has no variables.');
});

test('a problem of R is shown', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  kernel.comms[0].receive({ problem: 'Install rlang.' });
  assert.equal(model.message, 'Install rlang.');
});

test('a kernel of another language is not asked', async () => {
  const kernel = new RProcess('python');
  const model = await shown(kernel);
  assert.equal(kernel.comms.length, 0);
  assert.match(model.message, /^Open an R notebook/);
});

test('after a restart the variables are those of the new R', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  kernel.comms[0].receive({ variables: [x], gone: [], total: 1 });
  kernel.become('restarting');
  assert.deepEqual(model.rows(), []);
  kernel.become('idle');
  await settled();
  assert.equal(kernel.comms.length, 2);
  kernel.become('restarting');
  kernel.connect(); // no status comes while nothing asks R
  await settled();
  assert.equal(kernel.comms.length, 3);
});

test('an R that has ended is named, and another notebook shows its own variables', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  kernel.become('dead');
  assert.equal(model.message, 'R has ended; restart the kernel.');
  const other = new RProcess();
  model.use(other as unknown as RKernel);
  await settled();
  other.comms[0].receive({ variables: [x], gone: [], total: 1 });
  kernel.become('dead');
  assert.deepEqual(model.rows(), [x]);
});

test('another window takes the variables over, and a button takes them back', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  kernel.comms[0].onClose({});
  assert.equal(model.message, 'The variables are shown in another window.');
  model.showHere();
  await settled();
  assert.ok(kernel.comms[1].opened);
});

test('variables are saved to a file and restored from it, or R says why not', async () => {
  const kernel = new RProcess();
  const model = await shown(kernel);
  void model.save('my "work".RData');
  assert.equal(kernel.executions[0].code, 'save.image("my \\"work\\".RData")');
  await kernel.executions[0].end({ status: 'ok' });
  assert.equal(model.notice, 'The variables are saved in my "work".RData.');
  void model.restore('absent');
  assert.equal(kernel.executions[1].code, 'load("absent", globalenv())');
  await kernel.executions[1].end({ status: 'error', evalue: 'cannot open the connection' });
  assert.equal(model.notice, 'cannot open the connection');
  void model.save('.RData');
  await kernel.executions[2].end({ status: 'aborted' });
  assert.equal(model.notice, 'R was interrupted, or a cell before this failed; try again.');
});
