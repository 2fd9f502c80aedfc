import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PackagesModel } from '../src/packages/model';
import { RKernel } from '../src/kernel-model';
import { Comm, RProcess, settled } from './kernel';

const dplyr = { name: 'dplyr', version: '1.0.10', title: 'A Grammar of Data Manipulation', attached: false };
const stats = { name: 'stats', version: '4.2.2', title: 'The R Stats Package', attached: true };

/** The panel is open, and R has said which packages there are. */
async function shown(...packages: object[]): Promise<{ model: PackagesModel; comm: Comm; kernel: RProcess }> {
  const kernel = new RProcess();
  const model = new PackagesModel();
  model.use(kernel as unknown as RKernel);
  model.show(true);
  await settled();
  const comm = kernel.comms[0];
  await comm.answer({ packages });
  return { model, comm, kernel };
}

const names = (model: PackagesModel) => model.rows().map(({ name }) => name);

test('all words of a search are found in the name or the title', async () => {
  const { model } = await shown(dplyr, stats);
  model.find('DATA grammar');
  assert.deepEqual(names(model), ['dplyr']);
  model.find('stats dplyr');
  assert.deepEqual(names(model), []);
  model.find('');
  assert.deepEqual(names(model), ['dplyr', 'stats']);
});

test('a box attaches a package and detaches it', async () => {
  const { model, kernel } = await shown(dplyr, stats);
  void model.toggle(dplyr);
  assert.equal(kernel.executions[0].code, 'library("dplyr")');
  await kernel.executions[0].end({ status: 'ok' });
  assert.equal(model.notice, 'dplyr is attached.');
  void model.toggle(stats);
  assert.equal(kernel.executions[1].code, 'detach("package:stats", character.only = TRUE)');
});

test('what keeps R from attaching a package is shown', async () => {
  const { model, kernel } = await shown(dplyr);
  void model.toggle(dplyr);
  assert.equal(model.rows()[0].attached, true);
  await kernel.executions[0].end({ status: 'error', evalue: "package 'rlang' is missing" });
  assert.equal(model.rows()[0].attached, false);
  assert.equal(model.notice, "package 'rlang' is missing");
});

test('R is asked again when it says that something has changed', async () => {
  const { model, comm } = await shown(dplyr);
  comm.receive({ changed: true });
  await comm.answer({ packages: [{ ...dplyr, attached: true }] });
  assert.deepEqual(model.rows(), [{ ...dplyr, attached: true }]);
});

test('packages are installed by name, and what R says meanwhile is shown', async () => {
  const { model, comm, kernel } = await shown(stats);
  void model.install(' dplyr,glue ');
  const [execution] = kernel.executions;
  assert.equal(execution.code, 'install.packages(c("dplyr", "glue"))');
  assert.equal(model.notice, 'R installs dplyr, glue; cells wait until it is done.');
  execution.say('* installing ');
  execution.say('dplyr\n* DONE\n');
  assert.deepEqual(model.log, ['* installing dplyr', '* DONE', '']);
  void model.install('other');
  assert.equal(kernel.executions.length, 1);
  await execution.end({ status: 'ok' });
  await comm.answer({ packages: [dplyr, stats] });
  assert.equal(model.notice, 'R has not installed glue; its messages say why.');
  assert.equal(model.isInstalling, false);
});

test('no package is installed without a name', async () => {
  const { model, kernel } = await shown(stats);
  await model.install(' , ');
  assert.deepEqual(kernel.executions, []);
});
