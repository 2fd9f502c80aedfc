/** What a panel shows of one R kernel at a time. A comm is open only while the panel is shown. */
import { Kernel, KernelMessage } from '@jupyterlab/services';

import { followState, RState } from './kernel-state';
import { Store } from './store';

/** The parts of a kernel's connection that are used here. */
export type RKernel = Pick<
  Kernel.IKernelConnection,
  'id' | 'createComm' | 'statusChanged' | 'connectionStatusChanged' | 'info' | 'requestExecute'
>;

const NOT_DONE = 'R was interrupted, or a cell before this failed; try again.';

/** A text as R reads it. */
export const text = (value: string): string => JSON.stringify(value);

export abstract class KernelModel extends Store {
  /** Why there is nothing to show; empty if there is something. */
  message: string;
  protected kernel: RKernel | null = null;
  protected comm: Kernel.IComm | null = null;
  private shown = false;
  private unfollow: () => void = () => undefined;
  private noKernel: string;
  private waiting: string;

  /** `shown` is what the panel shows, as in "its variables are shown here". */
  constructor(
    private target: string,
    shown: string
  ) {
    super();
    this.message = this.noKernel = `Open an R notebook or console; its ${shown} are shown here.`;
    this.waiting = `The ${shown} are shown when R is idle.`;
  }

  /** Whether R can be asked. */
  get isOpen(): boolean {
    return this.comm !== null;
  }

  /** Use a comm that has been opened. */
  protected abstract listen(comm: Kernel.IComm): void;

  /** Forget what R has sent. */
  protected abstract forget(): void;

  /** Follow the kernel while the panel is shown. */
  show(shown: boolean): void {
    this.shown = shown;
    this.reopen();
  }

  /** Show another kernel, or none. */
  use(kernel: RKernel | null): void {
    if (kernel === this.kernel) {
      return;
    }
    this.close();
    this.unfollow();
    this.kernel = kernel;
    this.unfollow = kernel ? followState(kernel, state => this.onState(state)) : () => undefined;
    this.reopen();
  }

  /** Run code that is in no history; returns R's error, or an empty text. `hear` gets what R says meanwhile. */
  protected async run(code: string, hear?: (said: string) => void): Promise<string> {
    const future = this.kernel?.requestExecute({ code, store_history: false });
    if (!future) {
      return '';
    }
    future.onIOPub = message => {
      if (hear && KernelMessage.isStreamMsg(message)) {
        hear(message.content.text);
      }
    };
    try {
      const { content } = await future.done;
      if (content.status === 'ok') {
        return '';
      }
      return content.status === 'error' ? content.evalue : NOT_DONE;
    } catch {
      return 'R has ended before it was done.';
    }
  }

  protected reopen(): void {
    this.close();
    void this.open();
  }

  /** R has closed the comm, or has forgotten it. */
  protected lost(message: string): void {
    this.comm = null;
    this.empty(message);
  }

  /** Show nothing but a sentence. */
  protected empty(message: string): void {
    this.forget();
    this.message = message;
    this.changed();
  }

  private async open(): Promise<void> {
    const kernel = this.kernel;
    if (!this.shown || !kernel) {
      this.empty(this.noKernel);
      return;
    }
    this.empty(this.waiting);
    const { language_info } = await kernel.info;
    if (kernel !== this.kernel || !this.shown || this.comm) {
      return;
    }
    if (language_info.name !== 'R') {
      this.empty(this.noKernel);
      return;
    }
    this.comm = kernel.createComm(this.target);
    this.comm.open();
    this.listen(this.comm);
  }

  private close(): void {
    const comm = this.comm;
    this.comm = null;
    if (comm && !comm.isDisposed) {
      comm.close();
    }
  }

  private onState(state: RState): void {
    if (state === 'dead') {
      this.close();
      this.empty('R has ended; restart the kernel.');
    } else if (state === 'restarting') {
      this.lost(this.waiting);
    } else if (this.shown && this.message === this.waiting && (!this.comm || this.comm.isDisposed)) {
      this.reopen();
    }
  }
}
