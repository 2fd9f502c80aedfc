/** The variables of one R kernel at a time; without an open panel R sends nothing. */
import { Kernel } from '@jupyterlab/services';

import { KernelModel, RKernel, text } from '../kernel-model';
import { Changes, nextOrder, Column, Order, select, update, Variable } from './variable';

const ELSEWHERE = 'The variables are shown in another window.';

export class EnvironmentModel extends KernelModel {
  search = '';
  order: Order = { column: 'name', descending: false };
  /** How many variables R has; it sends at most 5000. */
  total = 0;
  /** The result of the last action. */
  notice = '';
  private variables = new Map<string, Variable>();

  /** `onView` shows the rows of a variable. */
  constructor(private onView: (kernel: RKernel, name: string) => void) {
    super('rc2.variables', 'variables');
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

  /** Save all variables to a file, whose path is relative to R's working directory. */
  async save(file: string): Promise<void> {
    await this.tell(`save.image(${text(file)})`, `The variables are saved in ${file}.`);
  }

  /** Read the variables of such a file; they replace those of the same names. */
  async restore(file: string): Promise<void> {
    await this.tell(`load(${text(file)}, globalenv())`, `The variables of ${file} are here again.`);
  }

  /** Show the variables here, in place of another window. */
  showHere(): void {
    this.reopen();
  }

  protected listen(comm: Kernel.IComm): void {
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
  }

  protected forget(): void {
    this.variables.clear();
    this.total = 0;
    this.notice = '';
  }

  private async tell(code: string, done: string): Promise<void> {
    this.notice = (await this.run(code)) || done;
    this.changed();
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
}
