import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HelpLink } from '../src/help/link';
import { HelpModel } from '../src/help/model';
import { kindOf, Page, targetOf, titleOf } from '../src/help/page';
import { RKernel } from '../src/kernel-model';
import { RProcess, settled } from './kernel';

const page = (address: string, title = address): Page => ({
  address,
  type: 'text/html',
  text: `<head><title>R: ${title}</title></head>`
});
const LM = page('/library/stats/html/lm.html', 'Fitting Linear Models');

test('links lead to pages of the help, to a place in one, or out of it', () => {
  const lead = (link: string) => targetOf(link, LM);
  assert.deepEqual(lead('../../stats/help/glm'), { address: '/library/stats/help/glm', place: '' });
  assert.deepEqual(lead('#lm+3A+x'), { address: LM.address, place: 'lm+3A+x' });
  assert.deepEqual(lead('/doc/html/Search?pattern=a#b'), { address: '/doc/html/Search?pattern=a', place: 'b' });
  assert.deepEqual(lead('https://r.example/'), { url: 'https://r.example/' });
});

test('help, vignettes, texts and files are told apart, and have titles', () => {
  const file = (address: string, type: string) => ({ address, type });
  assert.equal(kindOf(LM), 'help');
  assert.equal(kindOf(page('/library/dplyr/doc/dplyr.html')), 'vignette');
  assert.equal(kindOf(page('/library/dplyr/doc')), 'help');
  assert.equal(kindOf(file('/library/dplyr/doc/dplyr.R', 'text/plain')), 'text');
  assert.equal(kindOf(file('/library/Matrix/doc/Intro.pdf', 'application/pdf')), 'file');
  assert.equal(titleOf(LM), 'Fitting Linear Models');
  assert.equal(titleOf(file('/library/Matrix/doc/Intro%202.pdf', 'application/pdf')), 'Intro 2.pdf');
});

/** R that answers at the call of answer(). */
class Asked {
  questions: object[] = [];
  private answers: ((page: Page | null) => void)[] = [];

  ask(question: object): Promise<Page | null> {
    this.questions.push(question);
    return new Promise(resolve => this.answers.push(resolve));
  }

  async answer(found: Page | null, question = this.answers.length - 1): Promise<void> {
    this.answers[question](found);
    await settled();
  }
}

test('the user goes back and forward among the pages without asking R again', async () => {
  const r = new Asked();
  const model = new HelpModel(r);
  model.show(LM);
  void model.go('/library/stats/help/glm');
  await r.answer(page('/library/stats/html/glm.html'));
  model.move(-1);
  assert.equal(model.page, LM);
  assert.deepEqual([model.canGoBack, model.canGoForward, model.message], [false, true, 'Fitting Linear Models']);
  model.move(1);
  model.move(-1);
  void model.find('aov');
  await r.answer(page('/library/stats/html/aov.html'));
  assert.equal(model.canGoForward, false);
  assert.deepEqual(r.questions, [{ address: '/library/stats/help/glm' }, { find: 'aov' }]);
});

test('the last question wins, also over what R shows meanwhile', async () => {
  const r = new Asked();
  const model = new HelpModel(r);
  void model.find('slow');
  void model.find('fast');
  await r.answer(page('/fast'), 1);
  await r.answer(page('/slow'), 0);
  assert.equal(model.page?.address, '/fast');
  void model.find('later');
  model.show(LM);
  await r.answer(page('/later'));
  assert.equal(model.page, LM);
});

test('a link within the page asks R for nothing', () => {
  const r = new Asked();
  const model = new HelpModel(r);
  model.show(LM);
  assert.equal(model.follow('#value', LM), null);
  assert.equal(model.place, 'value');
  assert.equal(model.follow('https://r.example/', LM), 'https://r.example/');
  assert.deepEqual(r.questions, []);
});

test('each R has one comm, and a new one after a restart', async () => {
  const link = new HelpLink();
  const shown: Page[] = [];
  link.onPage = found => shown.push(found);
  const [kernel, other] = [new RProcess(), new RProcess('python')];
  for (const used of [kernel, other, kernel]) {
    link.use(used as unknown as RKernel);
    await settled();
  }
  assert.deepEqual([kernel.comms.length, other.comms.length], [1, 0]);
  kernel.comms[0].receive({ page: LM });
  assert.deepEqual(shown, [LM]);
  const lost = link.ask({ find: 'lm' });
  await settled();
  kernel.become('restarting');
  assert.equal(await lost, null);
  kernel.become('idle');
  const found = link.ask({ find: 'lm' });
  await settled();
  await kernel.comms[1].answer(LM);
  assert.equal((await found)?.address, LM.address);
});

test('without R the user is told what to do', async () => {
  const link = new HelpLink();
  link.use(new RProcess('python') as unknown as RKernel);
  const model = new HelpModel(link);
  await model.find('lm');
  assert.equal(model.message, 'Open an R notebook or console; its help is shown here.');
});
