/** Requests about Knit to the user's own server, which runs R. */
import { ServerConnection } from '@jupyterlab/services';

import { askServer } from '../request';

/** What a document becomes; `own` is the first format in its head. */
export type Format = 'own' | 'html' | 'word' | 'pdf';

/** One run of a document. */
export interface Job {
  state: 'running' | 'done' | 'failed' | 'cancelled';
  /** The state in words. */
  message: string;
  /** The chunk that R has come to, counted from 1, of so many. */
  chunk: number;
  total: number;
  /** The name of the output, beside the document; empty before the end. */
  output: string;
  /** The first line of what failed, counted from 1; 0 if it is no place in the document. */
  line: number;
  /** The end of what R has written, when it has ended. */
  log: string;
  version: number;
}

/** What the follower of a job needs. Every error that it throws has a sentence for the user. */
export interface KnitClient {
  start(path: string, format: Format): Promise<Job>;
  /** Return the job when it has another version than this. */
  next(path: string, version: number): Promise<Job>;
  cancel(path: string): Promise<void>;
  /** Return the paths of the documents that are being knitted. */
  running(): Promise<string[]>;
}

export class HttpKnitClient implements KnitClient {
  constructor(private settings: ServerConnection.ISettings) {}

  async start(path: string, format: Format): Promise<Job> {
    return (await this.request(`/${escaped(path)}`, { method: 'POST', body: JSON.stringify({ format }) })).json();
  }

  async next(path: string, version: number): Promise<Job> {
    return (await this.request(`/${escaped(path)}?version=${version}&no_track_activity=1`, {})).json();
  }

  async cancel(path: string): Promise<void> {
    await this.request(`/${escaped(path)}`, { method: 'DELETE' });
  }

  async running(): Promise<string[]> {
    return (await (await this.request('', {})).json()).running;
  }

  private request(path: string, init: RequestInit): Promise<Response> {
    return askServer(this.settings, '/knit' + path, init);
  }
}

const escaped = (path: string) => path.split('/').map(encodeURIComponent).join('/');
