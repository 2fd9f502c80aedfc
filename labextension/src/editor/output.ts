/** What R has answered to one chunk. */
import { ISessionContext } from '@jupyterlab/apputils';
import { OutputArea, OutputAreaModel } from '@jupyterlab/outputarea';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Panel, Widget } from '@lumino/widgets';

import { KeptOutput, message } from './kept';
import { ChunkOutputArea } from './output-area';

/** `lost`: not run because of an error above, or R has ended meanwhile. */
export type End = 'done' | 'failed' | 'lost';
export type State = 'waiting' | 'running' | End;

const R_HAS_ENDED = 'R has ended before this was done; the next run starts it again.\n';
const RELOADED = 'The page was loaded again while this ran, so the rest of the output is not here; run the chunk again.\n';

/** Who shows outputs. */
export interface OutputListener {
  /** The state, or whether the output is shown, has changed. */
  refresh(output: ChunkOutput): void;
  clear(output: ChunkOutput): void;
}

export class ChunkOutput extends Panel {
  state: State = 'done';
  /** Whether there is something to show, now or before it runs again. */
  isShown = false;
  /** In pixels, as it was seen last; -1 if it was not. */
  seenHeight = -1;
  /** The text of the chunk when it was run last. */
  source = '';
  private areas: OutputArea[] = [];
  private hasWholeChunk = false;
  private runs = 0;
  private name = '';
  private clearButton = document.createElement('button');

  constructor(
    private rendermime: IRenderMimeRegistry,
    private listener: OutputListener
  ) {
    super();
    this.addClass('rc2-ChunkOutput');
    this.node.setAttribute('role', 'group');
    this.clearButton.textContent = '×';
    this.clearButton.onclick = () => listener.clear(this);
    this.addWidget(new Widget({ node: this.clearButton }));
  }

  /** It was drawn at another size. What is longer than its room is scrolled, also by keyboard. */
  resized(): void {
    this.seenHeight = this.node.offsetHeight || this.seenHeight;
    for (const { node } of this.areas) {
      if (node.scrollHeight > node.clientHeight) {
        node.tabIndex = 0;
      } else {
        node.removeAttribute('tabindex');
      }
    }
  }

  /** Whether it runs, or will. */
  get isBusy(): boolean {
    return this.state === 'waiting' || this.state === 'running';
  }

  /** The chunk as it is run now. */
  setChunk(name: string, source: string): void {
    this.source = source;
    this.name = name;
    this.node.setAttribute('aria-label', `Output of ${name}`);
    this.clearButton.title = `Clear the output of ${name}`;
    this.clearButton.setAttribute('aria-label', this.clearButton.title);
  }

  /** What is kept of it over a reload of the page. */
  toJSON(): KeptOutput {
    const areas = this.areas.map(area => area.model.toJSON());
    return {
      name: this.name,
      source: this.source,
      isWholeChunk: this.hasWholeChunk,
      areas: this.isBusy ? [...areas, [message(RELOADED)]] : areas
    };
  }

  /** Show what was kept. */
  restore({ name, source, isWholeChunk, areas }: KeptOutput): void {
    this.setChunk(name, source);
    areas.forEach(outputs => this.addArea().model.fromJSON(outputs));
    this.hasWholeChunk = isWholeChunk;
    this.tell();
  }

  /**
   * Run code when R is ready. That of a whole chunk takes the place of what was there; lines are added to the lines before.
   * Returns how it has ended.
   */
  async run(code: string, ready: Promise<ISessionContext>, isWholeChunk: boolean): Promise<End> {
    const run = ++this.runs;
    const become = (state: State) => run === this.runs && this.become(state);
    become('waiting');
    const end = await this.execute(code, ready, isWholeChunk, () => become('running')).catch((): End => 'lost');
    become(end);
    return end;
  }

  private async execute(
    code: string,
    ready: Promise<ISessionContext>,
    isWholeChunk: boolean,
    begin: () => void
  ): Promise<End> {
    const session = await ready;
    if (this.isDisposed) {
      return 'done'; // cleared before its turn
    }
    const area = this.areaFor(isWholeChunk);
    const reply = OutputArea.execute(code, area, session);
    area.future?.registerMessageHook(message => {
      if (message.header.msg_type === 'execute_input') {
        begin();
      }
      return true;
    });
    const status = await reply.then(
      message => message?.content.status,
      () => this.isDisposed || area.model.add({ output_type: 'stream', name: 'stderr', text: R_HAS_ENDED })
    );
    return status === 'ok' ? 'done' : status === 'error' ? 'failed' : 'lost';
  }

  private areaFor(isWholeChunk: boolean): OutputArea {
    const [first, ...others] = this.areas;
    const isReplaced = isWholeChunk || this.hasWholeChunk;
    this.hasWholeChunk = isWholeChunk;
    if (first && isReplaced) {
      others.forEach(area => area.dispose());
      this.areas = [first]; // JupyterLab keeps its height until the new output comes
      return first;
    }
    return this.addArea();
  }

  private addArea(): OutputArea {
    const area = new ChunkOutputArea({ model: new OutputAreaModel({ trusted: true }), rendermime: this.rendermime });
    area.outputLengthChanged.connect(() => this.tell());
    area.inputRequested.connect(() => this.tell());
    this.areas.push(area);
    this.addWidget(area);
    return area;
  }

  private become(state: State): void {
    this.state = state;
    this.tell();
  }

  private tell(): void {
    if (!this.isDisposed) {
      const hasContent = this.areas.some(area => area.model.length > 0 || area.pendingInput);
      this.isShown = hasContent || (this.isShown && this.isBusy);
      this.listener.refresh(this);
    }
  }
}
