/** Questions to R over the comm of one grid, each with its answer. R answers when it is idle. */
import { Kernel } from '@jupyterlab/services';

/** The parts of a comm that are used here. */
export type GridComm = Pick<Kernel.IComm, 'send' | 'close' | 'isDisposed' | 'onMsg' | 'onClose'>;

type Answer = { answer?: string; problem?: string; changed?: boolean };

export class Connection {
  /** What happens when the variable may have changed. */
  onChanged: () => void = () => undefined;
  /** What happens when R has forgotten the grid, as after a restart. */
  onLost: () => void = () => undefined;
  private waiting = new Map<string, (answer: Answer | null) => void>();
  private asked = 0;
  private window = crypto.randomUUID(); // R's answers come to all windows of the notebook

  constructor(private comm: GridComm) {
    comm.onMsg = message => this.take(message.content.data as Answer);
    comm.onClose = () => this.lose();
  }

  /** R's answer, or null if there will be none; throws what R says is wrong. */
  async ask<T>(question: Record<string, unknown>): Promise<T | null> {
    if (this.comm.isDisposed) {
      return null;
    }
    const id = `${this.window}:${(this.asked += 1)}`;
    const answered = new Promise<Answer | null>(resolve => this.waiting.set(id, resolve));
    this.comm.send({ ...question, ask: id } as never);
    const answer = await answered;
    if (answer?.problem !== undefined) {
      throw new Error(answer.problem);
    }
    return answer as T | null;
  }

  /** R has no such grid any more. */
  lose(): void {
    this.waiting.forEach(resolve => resolve(null));
    this.waiting.clear();
    this.onLost();
  }

  close(): void {
    if (!this.comm.isDisposed) {
      this.comm.close();
    }
  }

  private take(answer: Answer): void {
    if (answer.changed) {
      this.onChanged();
      return;
    }
    this.waiting.get(answer.answer ?? '')?.(answer);
    this.waiting.delete(answer.answer ?? '');
  }
}
