/** Lets each R in which the user works show its help here, and asks the current one for pages. It is loaded with the page. */
import { Connection } from '../connection';
import { RKernel } from '../kernel-model';
import { followState, RState } from '../kernel-state';
import type { Page } from './page';

const TARGET = 'rc2.help';

export class HelpLink {
  /** What happens when R shows a page. */
  onPage: (page: Page) => void = () => undefined;
  private links = new WeakMap<RKernel, KernelLink>();
  private current: KernelLink | null = null;

  /** The user works with another kernel, or with none. */
  use(kernel: RKernel | null): void {
    if (!kernel) {
      this.current = null;
      return;
    }
    this.current = this.links.get(kernel) ?? new KernelLink(kernel, page => this.onPage(page));
    this.links.set(kernel, this.current);
  }

  /** The page that R answers with, or null if R was restarted; throws a sentence. */
  async ask(question: { address: string } | { find: string }): Promise<Page | null> {
    const connection = await this.current?.connection;
    if (!connection) {
      throw new Error('Open an R notebook or console; its help is shown here.');
    }
    return connection.ask<Page>(question);
  }
}

type Told = { page: Page };

/** The comm with one kernel, which is opened again after a restart. */
class KernelLink {
  /** Null if the kernel is not R, or has ended. */
  connection: Promise<Connection<Told> | null>;
  private isLost = false;

  constructor(
    private kernel: RKernel,
    private onPage: (page: Page) => void
  ) {
    followState(kernel, state => this.onState(state));
    this.connection = this.open();
  }

  private async open(): Promise<Connection<Told> | null> {
    const { language_info } = await this.kernel.info;
    if (language_info.name !== 'R') {
      return null;
    }
    const comm = this.kernel.createComm(TARGET);
    comm.open();
    const connection = new Connection<Told>(comm);
    connection.onNews = ({ page }) => this.onPage(page);
    return connection;
  }

  private onState(state: RState): void {
    if (state !== 'ready') {
      void this.connection.then(connection => connection?.lose());
      this.connection = Promise.resolve(null);
      this.isLost = true;
    } else if (this.isLost) {
      this.isLost = false;
      this.connection = this.open();
    }
  }
}
