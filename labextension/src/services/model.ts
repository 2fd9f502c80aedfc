/** The services that the panel shows; while it is shown, one request waits for the next change. */
import { Store } from '../store';
import { Listing, ServicesClient } from './client';
import { Service } from './service';

const RETRY = 1000;
const LONGEST_RETRY = 15000;

export class ServicesModel extends Store {
  /** Null until the first answer. */
  services: Service[] | null = null;
  /** Why the list may be out of date; empty if it is not. */
  problem = '';
  /** The result of the last button. */
  notice = '';
  /** The services whose buttons wait for an answer. */
  readonly busy = new Set<string>();
  private following: AbortController | null = null;

  /** `pause` waits some milliseconds. */
  constructor(
    private client: ServicesClient,
    private pause: (milliseconds: number) => Promise<void> = milliseconds =>
      new Promise(done => setTimeout(done, milliseconds))
  ) {
    super();
  }

  /** Follow the changes while the panel is shown. */
  show(shown: boolean): void {
    this.following?.abort();
    this.following = shown ? new AbortController() : null;
    if (this.following) {
      void this.follow(this.following.signal);
    }
  }

  async attach(service: Service, level: string): Promise<void> {
    await this.change(service, () => this.client.attach(service.service, level));
  }

  async detach(service: Service): Promise<void> {
    await this.change(service, () => this.client.detach(service.service));
  }

  /** Show a sentence below the services. */
  say(notice: string): void {
    this.notice = notice;
    this.changed();
  }

  private async change(service: Service, request: () => Promise<void>): Promise<void> {
    this.busy.add(service.service);
    this.say('');
    try {
      await request();
    } catch (error) {
      this.notice = (error as Error).message;
    }
    this.busy.delete(service.service);
    this.changed();
  }

  private async follow(signal: AbortSignal): Promise<void> {
    let tag = '';
    let retry = RETRY;
    while (!signal.aborted) {
      try {
        const listing = await this.client.list(tag, signal);
        tag = listing?.tag ?? tag;
        retry = RETRY;
        this.take(listing, signal);
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        this.problem = (error as Error).message;
        this.changed();
        await this.pause(retry);
        retry = Math.min(2 * retry, LONGEST_RETRY);
      }
    }
  }

  private take(listing: Listing | null, signal: AbortSignal): void {
    if (signal.aborted || (!listing && !this.problem)) {
      return;
    }
    this.services = listing?.services ?? this.services;
    this.problem = '';
    this.changed();
  }
}
