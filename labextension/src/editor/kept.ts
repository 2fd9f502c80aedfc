/** Outputs over a reload of the page: the browser keeps them for this tab, and they come back while the same R runs. */
import type { IOutputAreaModel } from '@jupyterlab/outputarea';

type Outputs = ReturnType<IOutputAreaModel['toJSON']>;

/** What is kept of the output of a chunk. */
export interface KeptOutput {
  name: string;
  /** The text of the chunk when it was run. */
  source: string;
  isWholeChunk: boolean;
  areas: Outputs[];
}

/** What this needs of `sessionStorage`. */
export type Room = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const TOO_LARGE = 'This output was too large to be kept over the reload of the page; run the chunk again.\n';

/** Keep outputs of an R, the largest ones not if there is not enough room. */
export function keep(room: Room, key: string, kernel: string, outputs: readonly KeptOutput[]): void {
  room.removeItem(key);
  const kept = [...outputs];
  for (let tries = 0; tries <= kept.length; tries++) {
    try {
      room.setItem(key, JSON.stringify({ kernel, outputs: kept }));
      return;
    } catch {
      // no room: without the largest one
      const sizes = kept.map(output => JSON.stringify(output).length);
      const largest = sizes.indexOf(Math.max(...sizes));
      kept[largest] = { ...kept[largest], areas: [[message(TOO_LARGE)]] };
    }
  }
}

/** What was kept of this R; nothing if that has ended. It is there once. */
export function take(room: Room, key: string, kernel: string | undefined): KeptOutput[] {
  const text = room.getItem(key);
  room.removeItem(key);
  const found: { kernel: string; outputs: KeptOutput[] } | null = text ? JSON.parse(text) : null;
  return found && found.kernel === kernel ? found.outputs : [];
}

export function message(text: string): Outputs[number] {
  return { output_type: 'stream', name: 'stderr', text };
}
