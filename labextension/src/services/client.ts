/** Requests to the user's own server, which passes them to the broker with its own token. */
import { ServerConnection } from '@jupyterlab/services';

import { askServer } from '../request';
import { Service } from './service';

/** All services, and the tag with which to wait for the next change. */
export interface Listing {
  services: Service[];
  tag: string;
}

/** What the model of the panel needs. */
export interface ServicesClient {
  /** Return the services, or null if nothing has changed since the tag; without a tag at once. */
  list(tag: string, signal: AbortSignal): Promise<Listing | null>;
  attach(service: string, level: string): Promise<void>;
  detach(service: string): Promise<void>;
}

/** Every error that it throws has a sentence for the user. */
export class HttpServicesClient implements ServicesClient {
  constructor(private settings: ServerConnection.ISettings) {}

  async list(tag: string, signal: AbortSignal): Promise<Listing | null> {
    const headers = { 'If-None-Match': tag };
    // as the polls of JupyterLab, this one is no activity of the user
    const response = await this.request('?no_track_activity=1', { headers, signal });
    if (response.status === 304) {
      return null;
    }
    const { services } = await response.json();
    return { services, tag: response.headers.get('Etag') ?? '' };
  }

  async attach(service: string, level: string): Promise<void> {
    await this.request(`/${encodeURIComponent(service)}`, { method: 'PUT', body: JSON.stringify({ level }) });
  }

  async detach(service: string): Promise<void> {
    await this.request(`/${encodeURIComponent(service)}`, { method: 'DELETE' });
  }

  private request(path: string, init: RequestInit): Promise<Response> {
    return askServer(this.settings, '/services' + path, init);
  }
}
