/** The connection of one page to the preview of one document, which the user's own server makes. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { News } from './messages';

const RETRY_DELAY = 2000;

/** Who shows the preview. */
export interface Listener {
  /** The whole text of the document now. */
  text(): string;
  show(news: News): void;
  /** The server does not answer. */
  wait(): void;
}

export class PreviewClient {
  private socket: WebSocket | null = null;
  private disposed = false;

  constructor(
    private settings: ServerConnection.ISettings,
    private path: string,
    private listener: Listener
  ) {}

  connect(): void {
    const { wsUrl, token, WebSocket: Socket } = this.settings;
    const address = URLExt.join(wsUrl, 'rc2/preview', URLExt.encodeParts(this.path));
    this.socket = new Socket(token ? `${address}?token=${encodeURIComponent(token)}` : address);
    this.socket.onopen = () => this.edit();
    this.socket.onmessage = message => this.listener.show(JSON.parse(message.data));
    this.socket.onclose = () => {
      if (!this.disposed) {
        this.listener.wait();
        setTimeout(() => this.disposed || this.connect(), RETRY_DELAY);
      }
    };
  }

  /** Send the text; one that cannot be sent now is sent when the server answers again. */
  edit(): void {
    this.send({ text: this.listener.text() });
  }

  stop(): void {
    this.send({ stop: true });
  }

  runEverything(): void {
    this.send({ everything: true });
  }

  dispose(): void {
    this.disposed = true;
    this.socket?.close();
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) {
      this.socket.send(JSON.stringify(message));
    }
  }
}
