import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Connection, PanelComm } from '../src/connection';
import { GridModel } from '../src/grid/model';
import { asText, describeFilter, Table } from '../src/grid/table';

const settled = () => new Promise(done => setImmediate(done));
const TABLE: Table = {
  columns: [{ name: 'n', type: 'numeric', kind: 'range', sortable: true }],
  rows: 1000000,
  total: 1000000,
  note: ''
};

/** R at the other end of the comm. */
class R {
  asked: Record<string, unknown>[] = [];
  isDisposed = false;
  onMsg: (message: unknown) => void = () => undefined;
  onClose = () => undefined;

  send(data: Record<string, unknown>): void {
    this.asked.push(data);
  }

  close(): void {
    this.isDisposed = true;
  }

  say(data: object): void {
    this.onMsg({ content: { data } });
  }

  async answer(data: object, asked = this.asked.at(-1)): Promise<void> {
    this.say({ ...data, answer: asked?.ask });
    await settled();
  }
}

function grid(): { r: R; model: GridModel; seen: string[] } {
  const [r, seen] = [new R(), [] as string[]];
  const connection = new Connection(r as unknown as PanelComm);
  const model = new GridModel(
    connection,
    () => seen.push('table'),
    rows => seen.push(`rows ${rows}`)
  );
  return { r, model, seen };
}

async function shown() {
  const all = grid();
  all.model.show(true);
  await all.r.answer(TABLE);
  return all;
}

test('the statistics of a column are said until the table is read again', async () => {
  const { r, model } = await shown();
  void model.summarize();
  assert.deepEqual(r.asked.at(-1)?.statistics, 0);
  await r.answer({
    statistics: [
      { name: 'missing', value: '3' },
      { name: 'maximum', value: '1301' }
    ]
  });
  assert.match(model.message, / n: missing 3, maximum 1301\.$/);
  model.refresh();
  await r.answer(TABLE);
  assert.doesNotMatch(model.message, /missing/);
});

const page = (value: string | null) => ({ labels: ['1'], cells: [[value]] });

test('a hidden grid asks R for nothing', async () => {
  const { r, model } = grid();
  r.say({ changed: true });
  assert.equal(r.asked.length, 0);
  model.show(true);
  assert.equal(r.asked.length, 1);
  await r.answer(TABLE);
  assert.equal(model.message, '1\u202f000\u202f000 rows, 1 columns.');
});

test('a page is asked for once, and the newest one first', async () => {
  const { r, model } = await shown();
  for (const row of [0, 50, 100, 200]) {
    assert.equal(model.pages.cell(row, 0), undefined);
  }
  assert.deepEqual(r.asked.at(-1)?.rows, [0, 100]);
  await r.answer(page(null));
  assert.equal(model.pages.cell(0, 0), null);
  assert.deepEqual(r.asked.at(-1)?.rows, [200, 300]);
});

test('rows of an earlier order are not shown in the new one', async () => {
  const { r, model } = await shown();
  model.pages.cell(0, 0);
  const old = r.asked.at(-1);
  model.sort({ column: 0, descending: true });
  await r.answer(TABLE);
  await r.answer(page('old'), old);
  assert.equal(model.pages.cell(0, 0), undefined);
  await r.answer(page('new'));
  assert.equal(model.pages.cell(0, 0), 'new');
  assert.deepEqual(r.asked.at(-1)?.order, { column: 0, descending: true });
});

test('an answer to another window is not taken', async () => {
  const { r, model } = grid();
  model.show(true);
  await r.answer(TABLE, { ask: 'other:1' });
  assert.match(model.message, /when R is idle/);
});

test('what R says is wrong is said in place of rows, until the filter is gone', async () => {
  const { r, model } = await shown();
  model.filter({ column: 0, from: 'two', to: '' });
  await r.answer({ problem: '“two” is no number.' });
  assert.equal(model.message, '“two” is no number.');
  assert.equal(model.rows, 0);
  model.filter({ column: 0, from: '', to: '' });
  assert.deepEqual(r.asked.at(-1)?.filters, {});
  await r.answer(TABLE);
  assert.equal(model.rows, 1000000);
});

test('after a restart the table is gone', async () => {
  const { r, model } = await shown();
  model.lose();
  assert.match(model.message, /restarted/);
  assert.equal(model.rows, 0);
  assert.equal(r.isDisposed, false);
});

test('copied cells are what a spreadsheet reads', () => {
  const cells = [
    ['a\tb', 'say "x"'],
    [null, '1']
  ];
  assert.equal(asText(['t', 'n'], { labels: ['1', '2'], cells }), 't\tn\n"a\tb"\tNA\n"say ""x"""\t1\n');
});

test('a filter is described in words', () => {
  assert.equal(describeFilter({ column: 0, from: '1', to: '2' }, TABLE.columns), 'n from 1 to 2');
  assert.equal(describeFilter({ column: 0, contains: 'x' }, TABLE.columns), 'n contains x');
});
