import assert from 'node:assert/strict';
import { test } from 'node:test';

import { runCode } from '../src/run';

/** JupyterLab with an R Markdown document, or another file, in its editor; returns what happens. */
function app(isDocument: boolean): { happened: string[]; app: never } {
  const happened: string[] = [];
  const editor = { replaceSelection: (code: string) => happened.push(`insert ${code}`) };
  const commands = { isEnabled: () => isDocument, execute: async (name: string) => happened.push(name) };
  return { happened, app: { shell: { currentWidget: { content: { editor } } }, commands } as never };
}

test('examples run in a new chunk of R Markdown, and in no other file', async () => {
  const document = app(true);
  assert.equal(await runCode(document.app, 'lm()'), 'The examples run in a new chunk of the document.');
  assert.deepEqual(document.happened, ['rc2-editor:insert-chunk', 'insert lm()', 'rc2-editor:run-chunk']);
  const other = app(false);
  assert.match(await runCode(other.app, 'lm()'), /^Open an R notebook/);
  assert.deepEqual(other.happened, []);
});
