/** The pages of a table that the browser has. What is asked for is fetched one page after the other, the newest first. */
import { Page, Span } from './table';

const ROWS = 100;
const COLUMNS = 20;
/** Of pages: some screens around what is seen. */
const MOST = 200;
/** Of pages that are waited for: more are those that were scrolled past. */
const MOST_WANTED = 12;

export class Pages {
  private pages = new Map<string, Page>();
  private wanted: [number, number][] = [];
  private fetching = '';
  private generation = 0;

  /** `fetch` gets rows and columns; `onPage` learns what has come. */
  constructor(
    private fetch: (rows: Span, columns: Span) => Promise<Page | null>,
    private onPage: (rows: Span, columns: Span) => void
  ) {}

  /** A cell; undefined as long as it has not come. */
  cell(row: number, column: number): string | null | undefined {
    const page = this.page(row, column);
    return page?.cells[column % COLUMNS]?.[row % ROWS];
  }

  /** The number or name of a row, from the page that has these columns. */
  label(row: number, column: number): string | undefined {
    return this.page(row, column)?.labels[row % ROWS];
  }

  /** Forget all: the table is another one. */
  clear(): void {
    this.generation += 1;
    this.pages.clear();
    this.wanted = [];
    this.fetching = '';
  }

  private page(row: number, column: number): Page | undefined {
    const place: [number, number] = [Math.floor(row / ROWS), Math.floor(column / COLUMNS)];
    const page = this.pages.get(place.join());
    if (!page) {
      this.want(place);
    }
    return page;
  }

  private want(place: [number, number]): void {
    const key = place.join();
    if (key === this.fetching) {
      return;
    }
    this.wanted = [...this.wanted.filter(other => other.join() !== key), place].slice(-MOST_WANTED);
    if (!this.fetching) {
      void this.fetchNext();
    }
  }

  private async fetchNext(): Promise<void> {
    const generation = this.generation;
    for (let place = this.wanted.pop(); place; place = this.wanted.pop()) {
      this.fetching = place.join();
      const [rows, columns]: Span[] = [
        [place[0] * ROWS, (place[0] + 1) * ROWS],
        [place[1] * COLUMNS, (place[1] + 1) * COLUMNS]
      ];
      const page = await this.fetch(rows, columns);
      if (generation !== this.generation) {
        return; // another call has begun to fetch
      }
      if (page) {
        this.keep(place.join(), page);
        this.onPage(rows, columns);
      }
    }
    this.fetching = '';
  }

  private keep(key: string, page: Page): void {
    this.pages.set(key, page);
    if (this.pages.size > MOST) {
      this.pages.delete(this.pages.keys().next().value as string);
    }
  }
}
