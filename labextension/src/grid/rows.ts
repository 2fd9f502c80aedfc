/** The model of Lumino's data grid over the pages of a table: two lines of header, and a number or name for each row. */
import { DataModel } from '@lumino/datagrid';

import { GridModel } from './model';
import { Span } from './table';

export class Rows extends DataModel {
  /** `first` is the first column that is seen. */
  constructor(
    private model: GridModel,
    private first: () => number
  ) {
    super();
  }

  rowCount(region: DataModel.RowRegion): number {
    return region === 'body' ? this.model.rows : 2;
  }

  columnCount(region: DataModel.ColumnRegion): number {
    return region === 'body' ? this.model.columns.length : 1;
  }

  data(region: DataModel.CellRegion, row: number, column: number): string | null | undefined {
    switch (region) {
      case 'body':
        return this.model.pages.cell(row, column);
      case 'row-header':
        return this.model.pages.label(row, this.first());
      case 'column-header':
        return row === 0 ? this.title(column) : this.model.columns[column].type;
      default:
        return '';
    }
  }

  metadata(_: DataModel.CellRegion, __: number, column: number): DataModel.Metadata {
    return { isNumber: this.model.columns[column]?.kind === 'range' };
  }

  /** Columns or rows are others. */
  reset(): void {
    this.emitChanged({ type: 'model-reset' });
  }

  /** Cells have come. */
  filled(rows: Span, columns: Span): void {
    const [row, rowSpan] = [rows[0], Math.min(rows[1], this.model.rows) - rows[0]];
    const columnSpan = Math.min(columns[1], this.model.columns.length) - columns[0];
    if (rowSpan <= 0 || columnSpan <= 0) {
      return;
    }
    this.emitChanged({ type: 'cells-changed', region: 'body', row, column: columns[0], rowSpan, columnSpan });
    this.emitChanged({ type: 'cells-changed', region: 'row-header', row, column: 0, rowSpan, columnSpan: 1 });
  }

  private title(column: number): string {
    const { order, columns } = this.model;
    const mark = order?.column !== column ? '' : order.descending ? ' ▼' : ' ▲';
    return columns[column].name + mark;
  }
}
