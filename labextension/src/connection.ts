/** Questions to R over a comm, each with its answer. R answers when it is idle. */
import { Kernel } from '@jupyterlab/services';

/** The parts of a comm that are used here. */
export type PanelComm = Pick<Kernel.IComm, 'send' | 'close' | 'isDisposed' | 'onMsg' | 'onClose'>;

type Answer = { answer?: string; problem?: string };

export class Connection<News = unknown> {
  /** What happens when R says something without being asked. */
  onNews: (news: News) => void = () => undefined;
  /** What happens when R has forgotten the comm, as after a restart. */
  onLost: () => void = () => undefined;
  private waiting = new Map<string, (answer: Answer | null) => void>();
  private asked = 0;
  private window = crypto.randomUUID(); // R's answers come to all windows of the notebook

  constructor(private comm: PanelComm) {
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

  /** R has forgotten the comm. */
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
    if (answer.answer === undefined) {
      this.onNews(answer as News);
      return;
    }
    this.waiting.get(answer.answer)?.(answer);
    this.waiting.delete(answer.answer);
  }
}
