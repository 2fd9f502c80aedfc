/** The outputs in the source, each in a block of its own below its chunk. */
import { Decoration, EditorView, WidgetType } from '@codemirror/view';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { chunkAt, chunkField, PlacedChunk } from './chunk-field';
import type { ChunkOutput } from './output';
import { outputField } from './outputs';

export const outputBlocks = EditorView.decorations.compute([outputField], state => {
  const chunks = state.field(chunkField);
  const shown = new Map<PlacedChunk, ChunkOutput>();
  for (const { output, anchor } of state.field(outputField)) {
    const chunk = anchor === null || !output.isShown ? undefined : chunkAt(chunks, anchor);
    if (chunk) {
      shown.set(chunk, output);
    }
  }
  const blocks = Array.from(shown, ([chunk, output]) =>
    Decoration.widget({ widget: new OutputBlock(output), block: true, side: 1 }).range(chunk.to)
  );
  return Decoration.set(blocks, true);
});

class OutputBlock extends WidgetType {
  constructor(private output: ChunkOutput) {
    super();
  }

  eq(other: OutputBlock): boolean {
    return other.output === this.output;
  }

  /** As it was seen last, so the text does not jump when it is scrolled. */
  get estimatedHeight(): number {
    return this.output.seenHeight;
  }

  toDOM(view: EditorView): HTMLElement {
    const host = document.createElement('div');
    host.className = 'rc2-ChunkOutput-block';
    attach(this.output, host);
    const resized = () => {
      this.output.resized();
      view.requestMeasure();
    };
    new ResizeObserver(resized).observe(host);
    return host;
  }

  destroy(host: HTMLElement): void {
    if (this.output.node.parentElement === host) {
      detach(this.output);
    }
  }
}

/** As Widget.attach does, which refuses a host that the editor has not put into the page yet. */
function attach(output: ChunkOutput, host: HTMLElement): void {
  detach(output);
  MessageLoop.sendMessage(output, Widget.Msg.BeforeAttach);
  host.append(output.node);
  MessageLoop.sendMessage(output, Widget.Msg.AfterAttach);
}

function detach(output: ChunkOutput): void {
  if (output.isAttached) {
    MessageLoop.sendMessage(output, Widget.Msg.BeforeDetach);
    output.node.remove();
    MessageLoop.sendMessage(output, Widget.Msg.AfterDetach);
  }
}
