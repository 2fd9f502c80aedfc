/** The variables of one R kernel at a time. A comm is open only while the panel is shown; without one R sends nothing. */
import { Kernel } from '@jupyterlab/services';

import { Store } from '../store';
import { Changes, nextOrder, Column, Order, select, update, Variable } from './variable';

const TARGET = 'rc2.variables';
const NO_R = 'Open an R notebook or console; its variables are shown here.';
const WAITING = 'The variables are shown when R is idle.';
const ENDED = 'R has ended; restart the kernel.';
const ELSEWHERE = 'The variables are shown in another window.';

/** The parts of a kernel's connection that are used here. */
export type RKernel = Pick<Kernel.IKernelConnection, 'id' | 'createComm' | 'statusChanged' | 'info'>;

export class EnvironmentModel extends Store {
  /** Why there are no variables; empty if there are. */
  message = NO_R;
  search = '';
  order: Order = { column: 'name', descending: false };
  /** How many variables R has; it sends at most 5000. */
  total = 0;
  private variables = new Map<string, Variable>();
  private kernel: RKernel | null = null;
  private comm: Kernel.IComm | null = null;
  private shown = false;

  /** `onView` shows the rows of a variable. */
  constructor(private onView: (kernel: RKernel, name: string) => void) {
    super();
  }

  /** The variables that the table shows. */
  rows(): Variable[] {
    return select(this.variables.values(), this.search, this.order);
  }

  /** How many variables are known. */
  get known(): number {
    return this.variables.size;
  }

  /** Whether another window shows the variables. */
  get isElsewhere(): boolean {
    return this.message === ELSEWHERE;
  }

  find(search: string): void {
    this.search = search;
    this.changed();
  }

  sort(column: Column): void {
    this.order = nextOrder(this.order, column);
    this.changed();
  }

  view(name: string): void {
    if (this.kernel) {
      this.onView(this.kernel, name);
    }
  }

  remove(name: string): void {
    this.comm?.send({ remove: name });
  }

  /** Follow the kernel while the panel is shown. */
  show(shown: boolean): void {
    this.shown = shown;
    this.reopen();
  }

  /** Show the variables here, in place of another window. */
  showHere(): void {
    this.reopen();
  }

  /** Show another kernel, or none. */
  use(kernel: RKernel | null): void {
    if (kernel === this.kernel) {
      return;
    }
    this.close();
    this.kernel?.statusChanged.disconnect(this.onStatus, this);
    this.kernel = kernel;
    kernel?.statusChanged.connect(this.onStatus, this);
    this.reopen();
  }

  private reopen(): void {
    this.close();
    void this.open();
  }

  private async open(): Promise<void> {
    const kernel = this.kernel;
    if (!this.shown || !kernel) {
      this.empty(NO_R);
      return;
    }
    this.empty(WAITING);
    const { language_info } = await kernel.info;
    if (kernel !== this.kernel || !this.shown || this.comm) {
      return;
    }
    if (language_info.name !== 'R') {
      this.empty(NO_R);
      return;
    }
    const comm = (this.comm = kernel.createComm(TARGET));
    comm.onMsg = message => {
      if (comm === this.comm) {
        this.take(message.content.data as unknown as Changes | { problem: string });
      }
    };
    comm.onClose = () => {
      if (comm === this.comm) {
        this.lost(ELSEWHERE);
      }
    };
    comm.open();
  }

  private take(changes: Changes | { problem: string }): void {
    if ('problem' in changes) {
      this.empty(changes.problem);
      return;
    }
    update(this.variables, changes);
    this.total = changes.total;
    this.message = this.variables.size ? '' : 'R has no variables.';
    this.changed();
  }

  private close(): void {
    const comm = this.comm;
    this.comm = null;
    if (comm && !comm.isDisposed) {
      comm.close();
    }
  }

  private lost(message: string): void {
    this.comm = null;
    this.empty(message);
  }

  private empty(message: string): void {
    this.variables.clear();
    this.total = 0;
    this.message = message;
    this.changed();
  }

  /** A kernel that restarts has forgotten its comms. */
  private onStatus(_: unknown, status: Kernel.Status): void {
    if (status === 'dead') {
      this.close();
      this.empty(ENDED);
    } else if (status === 'restarting' || status === 'autorestarting') {
      this.lost(WAITING);
    } else if (status === 'idle' && this.shown && this.message === WAITING && (!this.comm || this.comm.isDisposed)) {
      this.reopen();
    }
  }
}
