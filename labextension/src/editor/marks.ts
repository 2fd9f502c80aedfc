/** How chunks look in the source: a background, and buttons that run them. */
import { Extension, Range } from '@codemirror/state';
import { Decoration, DecorationSet, EditorView, ViewPlugin, ViewUpdate, WidgetType } from '@codemirror/view';

import { chunkAt, chunkField, PlacedChunk } from './chunk-field';
import { nameOf } from './chunks';
import { outputOf, stateChanged } from './outputs';

/** What the buttons of a chunk do. */
export interface ChunkCommands {
  runOrStop(chunk: PlacedChunk): void;
  runAbove(chunk: PlacedChunk): void;
}

const LINE = Decoration.line({ class: 'rc2-Chunk' });

/** The marks of the chunks that are seen. */
export function chunkMarks(commands: ChunkCommands): Extension {
  return ViewPlugin.define(view => new Marks(view, commands), { decorations: marks => marks.decorations });
}

class Marks {
  decorations: DecorationSet;

  constructor(
    view: EditorView,
    private commands: ChunkCommands
  ) {
    this.decorations = this.draw(view);
  }

  update({ docChanged, viewportChanged, transactions, view }: ViewUpdate): void {
    if (docChanged || viewportChanged || transactions.some(stateChanged)) {
      this.decorations = this.draw(view);
    }
  }

  private draw({ state, viewport }: EditorView): DecorationSet {
    const seen = state.field(chunkField).filter(({ from, to }) => from <= viewport.to && to >= viewport.from);
    const marks = seen.flatMap(chunk => {
      const output = outputOf(state, chunk);
      const lines: Range<Decoration>[] = [];
      for (let row = chunk.first + 1; row <= chunk.last + 1; row++) {
        lines.push(LINE.range(state.doc.line(row).from));
      }
      const first = Decoration.line({ class: `rc2-Chunk-first rc2-mod-${output?.state ?? 'done'}` });
      const buttons = Decoration.widget({
        widget: new Buttons(nameOf(chunk), output?.isBusy ?? false, this.commands),
        side: 1
      });
      return [first.range(chunk.from), ...lines, buttons.range(state.doc.line(chunk.first + 1).to)];
    });
    return Decoration.set(marks, true);
  }
}

class Buttons extends WidgetType {
  constructor(
    private name: string,
    private isBusy: boolean,
    private commands: ChunkCommands
  ) {
    super();
  }

  eq(other: Buttons): boolean {
    return other.name === this.name && other.isBusy === this.isBusy;
  }

  toDOM(view: EditorView): HTMLElement {
    const host = document.createElement('span');
    host.className = 'rc2-Chunk-buttons';
    const add = (run: (chunk: PlacedChunk) => void) => {
      const button = document.createElement('button');
      button.onmousedown = event => event.preventDefault(); // a click leaves the keyboard in the text
      button.onclick = () => {
        const chunk = chunkAt(view.state.field(chunkField), view.posAtDOM(host));
        if (chunk) {
          run(chunk);
        }
      };
      host.append(button);
    };
    add(chunk => this.commands.runAbove(chunk));
    add(chunk => this.commands.runOrStop(chunk));
    this.updateDOM(host);
    return host;
  }

  /** In place, so the keyboard stays on the button. */
  updateDOM(host: HTMLElement): boolean {
    const [above, run] = Array.from(host.children) as HTMLButtonElement[];
    label(above, '⤒', `Run all chunks above ${this.name}`);
    if (this.isBusy) {
      label(run, '■', `Stop ${this.name}`);
    } else {
      label(run, '▶', `Run ${this.name}`);
    }
    return true;
  }
}

function label(button: HTMLButtonElement, sign: string, text: string): void {
  button.textContent = sign;
  button.title = text;
  button.setAttribute('aria-label', text);
}
