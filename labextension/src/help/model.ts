/** The pages of R's help that the user has seen, and the one that is shown. */
import { Store } from '../store';
import { HelpLink } from './link';
import { Page, targetOf, titleOf } from './page';

const MOST_PAGES = 50;
const BEGIN = 'Run ?mean in R, or search for a topic, a package or words.';
const WAITING = 'The page is shown when R is idle.';
const RESTARTED = 'R was restarted or has ended; ask again.';

export class HelpModel extends Store {
  /** What the user is told. */
  message = BEGIN;
  /** The part of the page that a link leads to. */
  place = '';
  /** Whether the user has asked for the page here, so that the keyboard continues in it. */
  isOwn = false;
  private pages: Page[] = [];
  private position = -1;
  private asked = 0;

  constructor(private link: Pick<HelpLink, 'ask'>) {
    super();
  }

  get page(): Page | null {
    return this.pages[this.position] ?? null;
  }

  get canGoBack(): boolean {
    return this.position > 0;
  }

  get canGoForward(): boolean {
    return this.position < this.pages.length - 1;
  }

  /** Go back (-1) or forward (1) among the pages, which are kept here. */
  move(step: number): void {
    this.position += step;
    this.place = '';
    this.shown(true);
  }

  /** R shows a page by itself. */
  show(page: Page): void {
    this.asked += 1; // what R answers later to an earlier question is not shown
    this.place = '';
    this.add(page, false);
  }

  find(text: string): Promise<void> {
    return this.ask({ find: text });
  }

  go(address: string, place = ''): Promise<void> {
    return this.ask({ address }, place);
  }

  /** Follow a link of the page that is shown; returns an address outside of the help. */
  follow(link: string, page: Page): string | null {
    const target = targetOf(link, page);
    if ('url' in target) {
      return target.url;
    }
    if (target.address === page.address) {
      this.place = target.place;
      this.changed();
    } else {
      void this.go(target.address, target.place);
    }
    return null;
  }

  /** A picture of the page as an address that a browser takes; empty if there is none. */
  async picture(source: string, page: Page): Promise<string> {
    const target = targetOf(source, page);
    const file = 'address' in target ? await this.link.ask({ address: target.address }).catch(() => null) : null;
    return file?.data ? `data:${file.type};base64,${file.data}` : '';
  }

  say(message: string): void {
    this.message = message;
    this.changed();
  }

  private async ask(question: { address: string } | { find: string }, place = ''): Promise<void> {
    const asked = (this.asked += 1);
    this.say(WAITING);
    try {
      const page = await this.link.ask(question);
      if (asked !== this.asked) {
        return;
      }
      if (page) {
        this.place = place;
        this.add(page, true);
      } else {
        this.say(RESTARTED);
      }
    } catch (error) {
      if (asked === this.asked) {
        this.say((error as Error).message);
      }
    }
  }

  private add(page: Page, isOwn: boolean): void {
    if (page.address !== this.page?.address) {
      this.pages = [...this.pages.slice(0, this.position + 1), page].slice(-MOST_PAGES);
      this.position = this.pages.length - 1;
    }
    this.shown(isOwn);
  }

  private shown(isOwn: boolean): void {
    this.isOwn = isOwn;
    this.say(this.page ? titleOf(this.page) : '');
  }
}
