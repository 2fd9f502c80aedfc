/** What R and the data grid tell each other. */
export interface Column {
  name: string;
  /** The first class of its values. */
  type: string;
  /** How it is filtered: by a text in it, by a range, or not at all. */
  kind: 'text' | 'range' | '';
  /** Whether its values have an order. */
  sortable: boolean;
}

export interface Order {
  column: number;
  descending: boolean;
}

/** Either `contains`, or the ends of a range, of which one can be empty. */
export interface Filter {
  column: number;
  contains?: string;
  from?: string;
  to?: string;
}

export interface Table {
  columns: Column[];
  /** How many rows pass the filters. */
  rows: number;
  total: number;
  note: string;
}

/** Texts by column; null is a missing value. */
export interface Page {
  labels: string[];
  cells: (string | null)[][];
}

/** Such as `maximum` and `1301`. */
export interface Statistic {
  name: string;
  value: string;
}

/** From the first to the one after the last. */
export type Span = [number, number];

/** `carrier contains UA`. */
export function describeFilter(filter: Filter, columns: Column[]): string {
  const name = columns[filter.column]?.name ?? '';
  if (filter.contains !== undefined) {
    return `${name} contains ${filter.contains}`;
  }
  return [name, filter.from && `from ${filter.from}`, filter.to && `to ${filter.to}`].filter(Boolean).join(' ');
}

/** `dep_delay: missing 8 255, minimum -43, maximum 1301.` */
export function describeStatistics(column: string, statistics: Statistic[]): string {
  return `${column}: ${statistics.map(({ name, value }) => `${name} ${value}`).join(', ')}.`;
}

/** What a spreadsheet and R read: columns between tabs, quoted where a value has a tab, a line break or a quote. */
export function asText(names: string[], page: Page): string {
  const quoted = (text: string) => (/[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = page.labels.map((_, row) => page.cells.map(column => quoted(column[row] ?? 'NA')).join('\t'));
  return [names.map(quoted).join('\t'), ...rows].join('\n') + '\n';
}
