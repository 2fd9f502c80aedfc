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
