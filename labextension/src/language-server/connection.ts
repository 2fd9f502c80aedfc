/** The connection of this page to the language server, which the user's own server starts and ends with it. */
import type { LSPClient } from '@codemirror/lsp-client';
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** Milliseconds before it is tried again. */
const RETRY_DELAY = 2000;
/** Milliseconds after which a connection counts as one that works. */
const WORKS = 10_000;
const MOST_FAILURES = 3;

export class Connection {
  private socket: WebSocket | null = null;
  private handlers = new Set<(message: string) => void>();
  private failures = 0;

  /** `onRoot` is called with the address of the user's folder; `isNeeded` tells whether a lost connection is to be made again. */
  constructor(
    private settings: ServerConnection.ISettings,
    private client: LSPClient,
    private onRoot: (root: string) => void,
    private isNeeded: () => boolean
  ) {}

  /** Whether the language server can answer. */
  get isOpen(): boolean {
    return this.client.serverCapabilities !== null;
  }

  /** Connect, if it is not connected, also after failures. */
  open(): void {
    this.failures = 0;
    this.connect();
  }

  close(): void {
    this.socket?.close();
  }

  private connect(): void {
    if (this.socket) {
      return;
    }
    const { wsUrl, token, WebSocket: Socket } = this.settings;
    const address = URLExt.join(wsUrl, 'rc2/language-server');
    const socket = (this.socket = new Socket(token ? `${address}?token=${encodeURIComponent(token)}` : address));
    const begin = Date.now();
    socket.onmessage = ({ data }) => {
      socket.onmessage = ({ data }) => this.handlers.forEach(handle => handle(data));
      this.onRoot(JSON.parse(data).root);
      this.client.connect({
        send: message => socket.readyState === WebSocket.OPEN && socket.send(message),
        subscribe: handler => void this.handlers.add(handler),
        unsubscribe: handler => void this.handlers.delete(handler)
      });
      this.client.initializing.catch(() => socket.close()); // it does not answer
    };
    socket.onclose = () => {
      this.socket = null;
      this.client.disconnect();
      this.failures = Date.now() - begin > WORKS ? 0 : this.failures + 1;
      if (this.isNeeded() && this.failures < MOST_FAILURES) {
        setTimeout(() => this.isNeeded() && this.connect(), RETRY_DELAY);
      }
    };
  }
}
