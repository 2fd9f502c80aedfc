import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RKernel } from '../src/kernel-model';
import { PlotsModel } from '../src/plots/model';
import { Comm, RProcess, settled } from './kernel';

const plot = (number: number, version = 1) => ({ number, version, code: `plot(${number})` });
const SIZE = { width: 480, height: 288 };

/** The panel is open, and R has said which plots there are. */
async function shown(...plots: object[]): Promise<{ model: PlotsModel; comm: Comm; kernel: RProcess }> {
  const kernel = new RProcess();
  const model = new PlotsModel(() => 2);
  model.use(kernel as unknown as RKernel);
  model.show(true);
  await settled();
  const comm = kernel.comms[0];
  await comm.answer({ plots });
  return { model, comm, kernel };
}

test('the newest plot is drawn at the size of the panel and the density of the screen', async () => {
  const { model, comm } = await shown(plot(1), plot(2));
  model.resize(SIZE);
  const { ask, ...question } = comm.sent.at(-1) ?? {};
  assert.ok(ask);
  assert.deepEqual(question, { draw: 2, format: 'png', width: 5, height: 3, res: 192 });
  await comm.answer({ data: 'picture' });
  assert.equal(model.picture, 'picture');
});

test('while R draws, only the last of several sizes waits', async () => {
  const { model, comm } = await shown(plot(1));
  [100, 200, 300].forEach(width => model.resize({ width, height: 96 }));
  const before = comm.sent.length;
  await comm.answer({ data: 'small' });
  assert.equal(comm.sent.length, before + 1);
  assert.equal(comm.sent.at(-1)?.width, 300 / 96);
  await comm.answer({ data: 'large' });
  assert.equal(comm.sent.length, before + 1);
});

test('a new plot is shown, and an older one that the user looks at stays when nothing is new', async () => {
  const { model, comm } = await shown(plot(1), plot(2));
  model.choose(0);
  comm.receive({ changed: true });
  await comm.answer({ plots: [plot(1), plot(2, 2)] });
  assert.equal(model.current?.number, 1);
  comm.receive({ changed: true });
  await comm.answer({ plots: [plot(1), plot(2, 2), plot(3)] });
  assert.equal(model.current?.number, 3);
});

test('in place of a removed plot its neighbour is shown, and at the end a sentence', async () => {
  const { model, comm } = await shown(plot(1), plot(2), plot(3));
  model.choose(1);
  void model.remove([plot(2)]);
  assert.deepEqual(comm.sent.at(-1)?.remove, [2]);
  await comm.answer({ plots: [plot(1), plot(3)] });
  assert.equal(model.current?.number, 3);
  void model.remove(model.plots);
  await comm.answer({ plots: [] });
  assert.equal(model.message, 'R has drawn no plots.');
});

test('thumbnails are drawn when they are in sight, once, and not of a plot whose picture is there', async () => {
  const { model, comm } = await shown(plot(1), plot(2));
  model.resize(SIZE);
  [plot(1), plot(2)].forEach(each => model.see(each));
  await comm.answer({ data: 'picture' });
  assert.equal(comm.sent.at(-1)?.draw, 1);
  await comm.answer({ data: 'thumbnail' });
  assert.deepEqual([model.thumbnail(plot(1)), model.thumbnail(plot(2))], ['thumbnail', 'picture']);
  const before = comm.sent.length;
  model.see(plot(1));
  assert.equal(comm.sent.length, before);
});

test('why a plot cannot be drawn takes the place of the picture, and another one is drawn', async () => {
  const { model, comm } = await shown(plot(1), plot(2));
  model.resize(SIZE);
  await comm.answer({ problem: 'R cannot draw this plot at this size.' });
  assert.equal(model.problem, 'R cannot draw this plot at this size.');
  model.choose(0);
  await comm.answer({ data: 'picture' });
  assert.deepEqual([model.picture, model.problem], ['picture', '']);
});

test('a file has the chosen size and 300 pixels per inch', async () => {
  const { model, comm } = await shown(plot(1));
  const file = model.file('pdf', 7, 5);
  const { ask, ...question } = comm.sent.at(-1) ?? {};
  assert.ok(ask);
  assert.deepEqual(question, { draw: 1, format: 'pdf', width: 7, height: 5, res: 300 });
  await comm.answer({ data: 'file' });
  assert.equal(await file, 'file');
});

test('after a restart the plots of the old R are gone, and those of the new one are drawn', async () => {
  const { model, kernel } = await shown(plot(1));
  model.resize(SIZE); // R does not answer any more
  kernel.become('restarting');
  assert.equal(model.current, null);
  kernel.become('idle');
  await settled();
  await kernel.comms[1].answer({ plots: [plot(1)] });
  await kernel.comms[1].answer({ data: 'new' });
  assert.equal(model.picture, 'new');
});
