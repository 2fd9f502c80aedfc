/** An R kernel as the panels see it; the test says what R says. */
type Handler = (message: unknown) => void;

/** A comm as the panels use it. */
export class Comm {
  isDisposed = false;
  opened = false;
  sent: Record<string, unknown>[] = [];
  onMsg: Handler = () => undefined;
  onClose: Handler = () => undefined;

  open(): void {
    this.opened = true;
  }

  close(): void {
    this.isDisposed = true;
  }

  send(data: Record<string, unknown>): void {
    this.sent.push(data);
  }

  receive(data: unknown): void {
    this.onMsg({ content: { data } });
  }

  /** R's answer to the last question. */
  async answer(data: object): Promise<void> {
    this.receive({ ...data, answer: this.sent.at(-1)?.ask });
    await settled();
  }
}

export class RProcess {
  comms: Comm[] = [];
  info: Promise<unknown>;
  private slots: { slot: (sender: unknown, status: string) => void; owner: unknown }[] = [];
  statusChanged = {
    connect: (slot: (sender: unknown, status: string) => void, owner: unknown) => this.slots.push({ slot, owner }),
    disconnect: () => (this.slots = [])
  };

  constructor(language = 'R') {
    this.info = Promise.resolve({ language_info: { name: language } });
  }

  createComm(): Comm {
    const comm = new Comm();
    this.comms.push(comm);
    return comm;
  }

  become(status: string): void {
    this.slots.forEach(({ slot, owner }) => slot.call(owner, this, status));
  }
}

export const settled = () => new Promise(done => setImmediate(done));
