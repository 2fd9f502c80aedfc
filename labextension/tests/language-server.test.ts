import assert from 'node:assert/strict';
import { mock, test } from 'node:test';

import type { LSPClient } from '@codemirror/lsp-client';
import { Text } from '@codemirror/state';
import type { ServerConnection } from '@jupyterlab/services';

import { chunkRanges, codeOf, difference, givenNames, placeAfter } from '../src/language-server/code';
import { Connection } from '../src/language-server/connection';

const DOCUMENT = [
  '---',
  'params: {a: 1}',
  '---',
  '```{r}',
  'x <- 1',
  '```',
  '> ```{r}',
  '> y <- 2',
  '> ```',
  '```{sql, output.var="rows"}',
  'SELECT 1',
  '```',
  '```{r}',
  '```'
];

test('a script is given as it is', () => {
  const text = Text.of(['x <- 1', '']);
  assert.equal(codeOf('file:///home/a.R', text), text);
});

test('of R Markdown the code of R stays at its place, and all else is blank', () => {
  const code = codeOf('file:///home/a.Rmd', Text.of(DOCUMENT)).toJSON();
  assert.deepEqual(
    code.map(line => line.length),
    DOCUMENT.map(line => line.length)
  );
  assert.deepEqual(
    code.flatMap((line, row) => (line.trim() ? [[row, line]] : [])),
    [
      [4, 'x <- 1'],
      [7, '  y <- 2']
    ]
  );
});

test('chunks that are quoted or empty are not formatted', () => assert.deepEqual(chunkRanges(DOCUMENT), [[4, 5]]));

test('parameters and results of other engines are known names', () =>
  assert.deepEqual([...givenNames(DOCUMENT)], ['params', 'rows']));

for (const [before, after] of [
  ['x <- 1', 'x <- 12'],
  ['aaa', 'aa'],
  ['', 'a\nb'],
  ['a\nb\nc', 'a\nc'],
  ['same', 'same']
]) {
  test(`one change makes ${JSON.stringify(after)} from ${JSON.stringify(before)}`, () => {
    const [old, current] = [before, after].map(text => Text.of(text.split('\n')));
    assert.equal(difference(old, current).apply(old).toString(), after);
  });
}

test('the cursor stays behind the same code when it is formatted', () => {
  const [old, formatted] = ['f<-function(a,b){\na+b\n}', 'f <- function(a, b) {\n  a + b\n}'];
  assert.equal(placeAfter(old, old.indexOf('+b') + 1, formatted), formatted.indexOf('+ b') + 1);
  assert.equal(placeAfter(old, 0, formatted), 0);
});

class Socket {
  static opened: Socket[] = [];
  onmessage?: (message: { data: string }) => void;
  onclose?: () => void;

  constructor(readonly address: string) {
    Socket.opened.push(this);
  }

  close(): void {
    this.onclose?.();
  }
}

test('a lost connection is made again, and one that is lost at once each time only with the next document', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  Socket.opened = [];
  const roots: string[] = [];
  const client = { connect: () => undefined, disconnect: () => undefined, initializing: Promise.resolve(null) };
  const settings = { wsUrl: 'ws://here/', token: 'a b', WebSocket: Socket } as unknown as ServerConnection.ISettings;
  const connection = new Connection(
    settings,
    client as unknown as LSPClient,
    root => roots.push(root),
    () => true
  );
  const last = () => Socket.opened[Socket.opened.length - 1];
  connection.open();
  assert.equal(last().address, 'ws://here/rc2/language-server?token=a%20b');
  last().onmessage?.({ data: '{"root": "file:///home/ada"}' });
  assert.deepEqual(roots, ['file:///home/ada']);
  mock.timers.tick(60_000);
  for (const expected of [2, 3, 4, 4, 4]) {
    last().close();
    mock.timers.tick(10_000);
    assert.equal(Socket.opened.length, expected);
  }
  connection.open();
  assert.equal(Socket.opened.length, 5);
  mock.timers.reset();
});
