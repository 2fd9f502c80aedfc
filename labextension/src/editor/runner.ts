/** Runs the chunks of one document in its R, and moves the cursor between them. */
import { EditorView } from '@codemirror/view';
import { ISessionContext, SessionContextDialogs } from '@jupyterlab/apputils';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { chunkAt, chunkField, PlacedChunk } from './chunk-field';
import { cellOf, headLength, isR, linesCellOf, nameOf, sourceOf } from './chunks';
import { keep, take } from './kept';
import { ChunkCommands } from './marks';
import { ChunkOutput, OutputListener } from './output';
import { addOutput, outputOf, outputsOf, refreshOutput, removeOutput } from './outputs';
import { statementsOf } from './statements';

const ENDS = { done: 'has run', failed: 'has ended with an error', lost: 'was not run' };

export class ChunkRunner implements ChunkCommands, OutputListener {
  /** R gets one chunk at a time, since IRkernel does not end those that it leaves out after an error. */
  private queue: Promise<void> = Promise.resolve();
  private failures = 0;

  constructor(
    private view: EditorView,
    private session: ISessionContext,
    private rendermime: IRenderMimeRegistry
  ) {}

  dispose(): void {
    outputsOf(this.view.state).forEach(output => output.dispose());
  }

  /** Keep the outputs over a reload of the page. */
  keepOutputs(key: string): void {
    const kernel = this.session.session?.kernel?.id;
    if (kernel) {
      keep(
        sessionStorage,
        key,
        kernel,
        this.chunks.flatMap(chunk => outputOf(this.view.state, chunk)?.toJSON() ?? [])
      );
    }
  }

  /** Show what was kept below chunks with the same text, if their R still runs. */
  async restoreOutputs(key: string): Promise<void> {
    await this.session.ready;
    for (const kept of take(sessionStorage, key, this.session.session?.kernel?.id)) {
      const isFree = (chunk: PlacedChunk) => !outputOf(this.view.state, chunk);
      const chunk = this.chunks.find(chunk => isFree(chunk) && sourceOf(chunk) === kept.source);
      if (chunk) {
        this.addOutputTo(chunk).restore(kept);
      }
    }
  }

  /** Run the chunk of the cursor. */
  runChunk(): void {
    const chunk = this.current;
    if (chunk) {
      void this.run([chunk]);
    }
  }

  /** Run what is selected, or the statement at the cursor, and go on to the next one. Other engines run their whole chunk. */
  runLine(): void {
    const chunk = this.current;
    const { from, to, empty, head } = this.view.state.selection.main;
    if (!chunk) {
      this.goToNext();
    } else if (!isR(chunk)) {
      void this.run([chunk]);
      this.goToNext();
    } else if (empty) {
      this.runStatement(chunk, this.view.state.doc.lineAt(head).number - 2 - chunk.first);
    } else {
      void this.runLines(chunk, this.view.state.sliceDoc(from, Math.min(to, chunk.to)));
    }
  }

  /** Run the chunks before this one. */
  runAbove(chunk = this.current): void {
    const end = chunk?.from ?? this.view.state.selection.main.head;
    void this.run(this.chunks.filter(({ to }) => to < end));
  }

  /** Run the chunk of the cursor, or else the next one, and all below it. */
  runFromHere(): void {
    void this.run(this.chunks.filter(({ to }) => to >= this.view.state.selection.main.head));
  }

  runAll(): void {
    void this.run(this.chunks);
  }

  runOrStop(chunk: PlacedChunk): void {
    if (outputOf(this.view.state, chunk)?.isBusy) {
      this.interrupt();
    } else {
      void this.run([chunk]);
    }
  }

  interrupt(): void {
    void this.session.session?.kernel?.interrupt();
  }

  /** Returns whether the user has confirmed it. */
  async restart(): Promise<boolean> {
    return new SessionContextDialogs().restart(this.session);
  }

  goToNext(): void {
    const { head } = this.view.state.selection.main;
    this.goTo(this.chunks.find(({ from }) => from > head));
  }

  goToPrevious(): void {
    const { head } = this.view.state.selection.main;
    this.goTo(this.chunks.filter(({ to }) => to < head).at(-1));
  }

  /** Put an empty chunk of R at the cursor, or below the head or the chunk of the cursor. */
  insertChunk(): void {
    const { doc, selection } = this.view.state;
    const { number } = doc.lineAt(this.current?.to ?? selection.main.head);
    const line = doc.line(Math.max(number, headLength(doc.toJSON())));
    const before = line.length ? '\n\n```{r}\n' : '```{r}\n';
    const at = line.to + before.length;
    this.view.dispatch({
      changes: { from: line.to, insert: `${before}\n\`\`\`\n` },
      selection: { anchor: at },
      scrollIntoView: true
    });
  }

  clear(output: ChunkOutput): void {
    this.view.dispatch({ effects: removeOutput.of(output) });
    output.dispose();
  }

  clearAll(): void {
    outputsOf(this.view.state).forEach(output => this.clear(output));
  }

  refresh(output: ChunkOutput): void {
    this.view.dispatch({ effects: refreshOutput.of(output) });
  }

  private get chunks(): readonly PlacedChunk[] {
    return this.view.state.field(chunkField);
  }

  /** The chunk of the cursor. */
  private get current(): PlacedChunk | undefined {
    return chunkAt(this.chunks, this.view.state.selection.main.head);
  }

  private async run(chunks: readonly PlacedChunk[]): Promise<void> {
    await Promise.all(chunks.map(chunk => this.send(chunk, cellOf(chunk), true)));
  }

  private runStatement(chunk: PlacedChunk, row: number): void {
    const statements = statementsOf(chunk.code.join('\n'));
    const place = statements.findIndex(([, last]) => last >= row);
    if (place < 0) {
      this.goToNext();
      return;
    }
    const [first, last] = statements[place];
    void this.runLines(chunk, chunk.code.slice(first, last + 1).join('\n'));
    const next = statements[place + 1]?.[0];
    this.goToLine(next === undefined ? chunk.last + 1 : chunk.first + 2 + next);
  }

  private async runLines(chunk: PlacedChunk, code: string): Promise<void> {
    await this.send(chunk, linesCellOf(code), false);
  }

  private async send(chunk: PlacedChunk, code: string, isWholeChunk: boolean): Promise<void> {
    const name = nameOf(chunk);
    const output = outputOf(this.view.state, chunk) ?? this.addOutputTo(chunk);
    output.setChunk(name, sourceOf(chunk));
    const end = output.run(code, this.turn(), isWholeChunk);
    this.queue = end.then(result => {
      this.failures += result === 'done' ? 0 : 1;
    });
    const text = ENDS[await end];
    if (!output.isDisposed) {
      this.view.dispatch({ effects: EditorView.announce.of(`${name} ${text}`) });
    }
  }

  private addOutputTo(chunk: PlacedChunk): ChunkOutput {
    const output = new ChunkOutput(this.rendermime, this);
    this.view.dispatch({ effects: addOutput.of({ chunk, output }) });
    return output;
  }

  /** Resolves when what was sent before is done, and rejects if one of that has failed. */
  private async turn(): Promise<ISessionContext> {
    const failures = this.failures;
    await this.queue;
    if (this.failures > failures) {
      throw new Error('A chunk above has failed.');
    }
    return this.readySession();
  }

  /** The session with its R, which is started again if it was shut down. */
  private async readySession(): Promise<ISessionContext> {
    await this.session.ready;
    if (!this.session.session?.kernel) {
      await this.session.startKernel();
    }
    await this.session.session?.kernel?.info; // the panels wait for it, too, and open their comms before the first chunk
    return this.session;
  }

  private goTo(chunk: PlacedChunk | undefined): void {
    if (chunk) {
      this.goToLine(Math.min(chunk.first + 2, chunk.last + 1));
    }
  }

  /** Lines are counted from 1. */
  private goToLine(line: number): void {
    this.view.dispatch({ selection: { anchor: this.view.state.doc.line(line).from }, scrollIntoView: true });
  }
}
