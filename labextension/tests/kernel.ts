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

/** Code that R runs. */
export class Execution {
  onIOPub: Handler = () => undefined;
  done: Promise<unknown>;
  private finish: (reply: unknown) => void = () => undefined;

  constructor(readonly code: string) {
    this.done = new Promise(resolve => (this.finish = resolve));
  }

  say(text: string): void {
    this.onIOPub({ header: { msg_type: 'stream' }, content: { text } });
  }

  async end(content: object): Promise<void> {
    this.finish({ content });
    await settled();
  }
}

type Slot = (sender: unknown, status: string) => void;

class Signal {
  private slots: Slot[] = [];

  connect(slot: Slot): void {
    this.slots.push(slot);
  }

  disconnect(): void {
    this.slots = [];
  }

  emit(sender: unknown, status: string): void {
    this.slots.forEach(slot => slot(sender, status));
  }
}

export class RProcess {
  comms: Comm[] = [];
  executions: Execution[] = [];
  info: Promise<unknown>;
  statusChanged = new Signal();
  connectionStatusChanged = new Signal();

  constructor(language = 'R') {
    this.info = Promise.resolve({ language_info: { name: language } });
  }

  createComm(): Comm {
    const comm = new Comm();
    this.comms.push(comm);
    return comm;
  }

  requestExecute({ code }: { code: string }): Execution {
    const execution = new Execution(code);
    this.executions.push(execution);
    return execution;
  }

  become(status: string): void {
    this.statusChanged.emit(this, status);
  }

  connect(): void {
    this.connectionStatusChanged.emit(this, 'connected');
  }
}

export const settled = () => new Promise(done => setImmediate(done));
