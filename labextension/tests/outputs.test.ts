import assert from 'node:assert/strict';
import { test } from 'node:test';

import { EditorState, TransactionSpec } from '@codemirror/state';

import { chunkField } from '../src/editor/chunk-field';
import { nameOf, sourceOf } from '../src/editor/chunks';
import type { ChunkOutput } from '../src/editor/output';
import { addOutput, outputField, outputOf, outputsOf, removeOutput } from '../src/editor/outputs';

const TEXT = 'Text.\n\n```{r a}\n1\n```\n\n> ```{r b}\n> 2\n> ```\n';

/** An editor in which each chunk has the output of its name. */
function editor(): { edit(spec: TransactionSpec): void; outputs(): unknown[]; state(): EditorState } {
  let state = EditorState.create({ doc: TEXT, extensions: [chunkField, outputField] });
  const edit = (spec: TransactionSpec) => (state = state.update(spec).state);
  for (const chunk of state.field(chunkField)) {
    const output = { source: sourceOf(chunk), name: nameOf(chunk) } as unknown as ChunkOutput;
    edit({ effects: addOutput.of({ chunk, output }) });
  }
  const nameAt = (output: unknown) => (output as { name: string } | undefined)?.name;
  return {
    edit,
    outputs: () => state.field(chunkField).map(chunk => nameAt(outputOf(state, chunk))),
    state: () => state
  };
}

test('an output stays with its chunk when text above, the first line, or the code changes', () => {
  const { edit, outputs } = editor();
  edit({ changes: { from: 0, insert: '```{r new}\n```\n\n' } });
  assert.deepEqual(outputs(), [undefined, 'chunk a', 'chunk b']);
  const start = TEXT.indexOf('```{r a}') + '```{r new}\n```\n\n'.length;
  edit({ changes: { from: start, insert: '\n' } });
  edit({
    changes: [
      { from: start + 4, to: start + 7, insert: '{r c, echo=FALSE' },
      { from: start + 10, insert: 'x' }
    ]
  });
  assert.deepEqual(outputs(), [undefined, 'chunk a', 'chunk b']);
});

test('a chunk that is none for a moment gets its output back', () => {
  const { edit, outputs } = editor();
  const brace = TEXT.indexOf('}');
  edit({ changes: { from: brace, to: brace + 1 } });
  assert.deepEqual(outputs(), ['chunk b']);
  edit({ changes: { from: brace, insert: '}' } });
  assert.deepEqual(outputs(), ['chunk a', 'chunk b']);
});

test('outputs come back with the text that was removed, as in another order, and not to other chunks', () => {
  const { edit, outputs, state } = editor();
  edit({ changes: { from: 0, to: TEXT.length, insert: '```{r a}\nother\n```\n' } });
  assert.deepEqual(outputs(), [undefined]);
  edit({ changes: { from: 0, to: state().doc.length, insert: '```{r b}\n2\n```\n```{r a}\n1\n```\n' } });
  assert.deepEqual(outputs(), ['chunk b', 'chunk a']);
});

test('a removed chunk leaves its output to no neighbour, and a cleared output is gone', () => {
  const { edit, outputs, state } = editor();
  edit({ changes: { from: TEXT.indexOf('```'), to: TEXT.indexOf('> ```') } });
  assert.deepEqual(outputs(), ['chunk b']);
  edit({ effects: outputsOf(state()).map(output => removeOutput.of(output)) });
  assert.deepEqual(outputs(), [undefined]);
  assert.deepEqual(outputsOf(state()), []);
});
