/** One table of R in a grid: what is shown of it, in which order, and which rows. */
import { Store } from '../store';
import { Connection } from '../connection';
import { Pages } from './pages';
import { Column, describeStatistics, Filter, Order, Page, Span, Statistic, Table } from './table';

const LOST = 'R was restarted or has ended; this table is gone.';
const WAITING = 'The rows are shown when R is idle.';

export class GridModel extends Store {
  columns: Column[] = [];
  rows = 0;
  order: Order | null = null;
  filters = new Map<number, Filter>();
  /** The column that the controls are for. */
  column = 0;
  /** What the user is told; empty if all is well. */
  problem = '';
  private table: Table | null = null;
  private said = '';
  private shown = false;
  private outdated = true;
  private asked = 0;
  private seen = '';
  readonly pages: Pages;

  /** `onTable` is called when columns or rows are others, with whether order or filters are, `onPage` when cells have come. */
  constructor(
    private connection: Connection,
    private onTable: (isAnother: boolean) => void,
    onPage: (rows: Span, columns: Span) => void
  ) {
    super();
    this.pages = new Pages((rows, columns) => this.fetch<Page>({ rows, columns }), onPage);
    connection.onNews = () => this.refresh();
    connection.onLost = () => this.fail(LOST);
  }

  /** What is said above the rows. */
  get message(): string {
    const table = this.table;
    if (this.problem || !table) {
      return this.problem || WAITING;
    }
    const some = table.rows === table.total ? '' : `${grouped(table.rows)} of `;
    const size = `${some}${grouped(table.total)} rows, ${grouped(this.columns.length)} columns.`;
    return [table.note || size, this.said].filter(Boolean).join(' ');
  }

  /** A hidden grid asks nothing; it is read again when it is shown. */
  show(shown: boolean): void {
    this.shown = shown;
    if (shown && this.outdated) {
      this.refresh();
    }
  }

  /** The controls are for this column, if there is one, and the cell at the cursor is another. */
  choose(column: number): void {
    this.column = column in this.columns ? column : this.column;
    this.changed();
  }

  sort(order: Order | null): void {
    this.order = order;
    this.refresh();
  }

  filter(filter: Filter): void {
    const isEmpty = !filter.contains && !filter.from && !filter.to;
    if (isEmpty) {
      this.filters.delete(filter.column);
    } else {
      this.filters.set(filter.column, filter);
    }
    this.refresh();
  }

  /** Read the table again. */
  refresh(): void {
    this.outdated = true;
    if (this.shown) {
      void this.read();
    }
  }

  /** The whole values of some cells; null if there are none. */
  async values(rows: Span, columns: Span): Promise<Page | null> {
    return this.fetch<Page>({ rows, columns, whole: true });
  }

  /** Say what the values of the column are, in the rows that are shown. */
  async summarize(): Promise<void> {
    const { name } = this.columns[this.column];
    const answer = await this.fetch<{ statistics: Statistic[] }>({ statistics: this.column });
    if (answer) {
      this.say(describeStatistics(name, answer.statistics));
    }
  }

  say(result: string): void {
    this.said = result;
    this.changed();
  }

  dispose(): void {
    this.connection.onLost = () => undefined;
    this.connection.close();
  }

  /** R was restarted: it has forgotten all grids. */
  lose(): void {
    this.connection.lose();
  }

  private async read(): Promise<void> {
    const asked = (this.asked += 1);
    this.outdated = false;
    try {
      const table = await this.connection.ask<Table>(this.wanted());
      if (table && asked === this.asked) {
        this.take(table);
      }
    } catch (error) {
      if (asked === this.asked) {
        this.fail((error as Error).message);
      }
    }
  }

  private take(table: Table): void {
    this.table = table;
    this.columns = table.columns;
    this.rows = table.rows;
    this.column = Math.min(this.column, Math.max(table.columns.length - 1, 0));
    this.problem = this.said = '';
    this.pages.clear();
    const wanted = JSON.stringify(this.wanted());
    this.onTable(wanted !== this.seen);
    this.seen = wanted;
    this.changed();
  }

  private async fetch<Answer>(question: Record<string, unknown>): Promise<Answer | null> {
    try {
      return await this.connection.ask<Answer>({ ...question, ...this.wanted() });
    } catch (error) {
      this.problem = (error as Error).message;
      this.changed();
      return null;
    }
  }

  /** Filters are an object: R would make a data frame of an array. */
  private wanted(): Record<string, unknown> {
    return { order: this.order ?? {}, filters: Object.fromEntries(this.filters) };
  }

  /** Old rows beside a problem would look as if they were right. */
  private fail(problem: string): void {
    this.problem = problem;
    this.rows = 0;
    this.pages.clear();
    this.onTable(false);
    this.changed();
  }
}

function grouped(count: number): string {
  return count.toLocaleString('en').replaceAll(',', '\u202f');
}
