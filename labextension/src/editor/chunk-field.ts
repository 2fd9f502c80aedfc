/** The chunks of the text in an editor, with their places. */
import { StateField, Text } from '@codemirror/state';

import { Chunk, chunksOf } from './chunks';

/** A chunk, and its first and last position in the text. */
export interface PlacedChunk extends Chunk {
  from: number;
  to: number;
}

export const chunkField = StateField.define<readonly PlacedChunk[]>({
  create: state => placedChunks(state.doc),
  update: (chunks, transaction) => (transaction.docChanged ? placedChunks(transaction.newDoc) : chunks)
});

function placedChunks(text: Text): PlacedChunk[] {
  return chunksOf(text.toJSON()).map(chunk => ({
    ...chunk,
    from: text.line(chunk.first + 1).from,
    to: text.line(chunk.last + 1).to
  }));
}

/** The chunk at a position, its first and last line included. */
export function chunkAt(chunks: readonly PlacedChunk[], position: number): PlacedChunk | undefined {
  return chunks.find(({ from, to }) => from <= position && position <= to);
}
