/** The variables of R as R describes them, and what the table shows of them. */
export interface Variable {
  name: string;
  /** The first class of the value. */
  type: string;
  /** The length, or the extents of a table, matrix or array; empty for what has none. */
  size: number[];
  /** The beginning of the value. */
  value: string;
  /** Whether it has rows that the data grid shows. */
  table: boolean;
}

export type Column = 'name' | 'type' | 'size' | 'value';

export interface Order {
  column: Column;
  descending: boolean;
}

/** What R sends: the variables that are new or changed, the names of those that are gone, and how many there are. */
export interface Changes {
  variables: Variable[];
  gone: string[];
  total: number;
}

/** Apply the changes. */
export function update(variables: Map<string, Variable>, changes: Changes): void {
  changes.gone.forEach(name => variables.delete(name));
  changes.variables.forEach(variable => variables.set(variable.name, variable));
}

/** `336 776 × 19`. */
export function sizeOf(variable: Variable): string {
  return variable.size.map(extent => extent.toLocaleString('en').replaceAll(',', '\u202f')).join(' × ');
}

const text = new Intl.Collator(undefined, { numeric: true });

/** The variables whose name, type or value holds the search text, in order. */
export function select(variables: Iterable<Variable>, search: string, order: Order): Variable[] {
  const wanted = search.trim().toLowerCase();
  const found = [...variables].filter(({ name, type, value }) =>
    [name, type, value].some(field => field.toLowerCase().includes(wanted))
  );
  const sign = order.descending ? -1 : 1;
  return found.sort((a, b) => sign * compare(a, b, order.column) || text.compare(a.name, b.name));
}

/** The order after a click on a column: the other direction if it is the same one. */
export function nextOrder(order: Order, column: Column): Order {
  return { column, descending: order.column === column && !order.descending };
}

function compare(a: Variable, b: Variable, column: Column): number {
  return column === 'size' ? elements(a) - elements(b) : text.compare(a[column], b[column]);
}

function elements(variable: Variable): number {
  return variable.size.length ? variable.size.reduce((product, extent) => product * extent, 1) : -1;
}
