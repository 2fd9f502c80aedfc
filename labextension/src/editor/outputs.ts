/** Which output belongs to which chunk, wherever edits move that. */
import { EditorState, MapMode, StateEffect, StateField, Transaction } from '@codemirror/state';

import { chunkField, PlacedChunk } from './chunk-field';
import { sourceOf } from './chunks';
import type { ChunkOutput } from './output';

/** `anchor` is a place in the fence of its chunk; null when that was removed, as by a cut or when the file was read again. */
interface Entry {
  output: ChunkOutput;
  anchor: number | null;
}

/** An output for a chunk that has none. */
export const addOutput = StateEffect.define<{ chunk: PlacedChunk; output: ChunkOutput }>();
export const removeOutput = StateEffect.define<ChunkOutput>();
export const refreshOutput = StateEffect.define<ChunkOutput>();

/** Whether an output has come, gone, or changed. */
export function stateChanged({ effects }: Transaction): boolean {
  return effects.some(effect => effect.is(addOutput) || effect.is(removeOutput) || effect.is(refreshOutput));
}

export const outputField = StateField.define<readonly Entry[]>({
  create: () => [],
  update: (entries, transaction) =>
    transaction.docChanged || stateChanged(transaction) ? entriesAfter(entries, transaction) : entries
});

/** The output of a chunk, if it has one. */
export function outputOf(state: EditorState, chunk: PlacedChunk): ChunkOutput | undefined {
  return state.field(outputField).find(entry => isAt(entry, chunk))?.output;
}

/** All of them, also of chunks that were removed. */
export function outputsOf(state: EditorState): ChunkOutput[] {
  return state.field(outputField).map(({ output }) => output);
}

function isAt({ anchor }: Entry, { from, to }: PlacedChunk): boolean {
  return anchor !== null && from <= anchor && anchor <= to;
}

function entriesAfter(before: readonly Entry[], { changes, docChanged, effects, state }: Transaction): readonly Entry[] {
  const moved = before.map(({ output, anchor }) => ({
    output,
    anchor: anchor === null ? null : changes.mapPos(anchor, 1, MapMode.TrackDel)
  }));
  let entries: readonly Entry[] = docChanged ? foundAgain(moved, state) : moved;
  for (const effect of effects) {
    if (effect.is(addOutput)) {
      entries = [...entries, { output: effect.value.output, anchor: anchorOf(effect.value.chunk, state) }];
    } else if (effect.is(removeOutput)) {
      entries = entries.filter(({ output }) => output !== effect.value);
    }
  }
  return entries;
}

/** In the middle of the fence: a change before it moves it, and it is gone when the fence is. */
function anchorOf(chunk: PlacedChunk, state: EditorState): number {
  return chunk.from + state.doc.lineAt(chunk.from).text.indexOf('`') + 1;
}

/** Entries that have lost their place get that of a chunk with the same text, as after undo. */
function foundAgain(entries: readonly Entry[], state: EditorState): readonly Entry[] {
  if (entries.every(({ anchor }) => anchor !== null)) {
    return entries;
  }
  const free = state.field(chunkField).filter(chunk => !entries.some(entry => isAt(entry, chunk)));
  return entries.map(entry => {
    const place = entry.anchor === null ? free.findIndex(chunk => sourceOf(chunk) === entry.output.source) : -1;
    return place < 0 ? entry : { ...entry, anchor: anchorOf(free.splice(place, 1)[0], state) };
  });
}
