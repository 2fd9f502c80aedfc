/** The tab of one table: what is filtered and sorted above, the rows below. */
import { DataGrid, BasicSelectionModel } from '@lumino/datagrid';
import { Message } from '@lumino/messaging';
import { BoxLayout, Widget } from '@lumino/widgets';

import { ShownWidget } from '../shown-widget';
import { createCanvas, paint } from './canvas';
import { Connection, PanelComm } from '../connection';
import { Controls } from './controls';
import { GridModel } from './model';
import { Rows } from './rows';
import { asText, Span } from './table';

export class GridPanel extends Widget {
  readonly model: GridModel;
  private rows: Rows;
  private grid: DataGrid;
  private selection: BasicSelectionModel;
  private theme = new MutationObserver(() => paint(this.grid));

  constructor(comm: PanelComm, title: string) {
    super();
    this.addClass('rc2-Panel');
    this.addClass('rc2-Grid');
    this.title.label = title;
    this.title.closable = true;
    this.model = new GridModel(
      new Connection(comm),
      isAnother => this.reset(isAnother),
      (rows, columns) => this.filled(rows, columns)
    );
    this.rows = new Rows(this.model, () => this.firstColumn());
    ({ grid: this.grid, selection: this.selection } = createCanvas(this.rows, {
      copy: () => void this.copy(),
      sort: column => this.sort(column),
      select: column => this.model.choose(column)
    }));
    const cells = this.grid.viewport.node;
    cells.setAttribute('role', 'application');
    cells.setAttribute('aria-label', `Cells of ${title}; the arrow keys move, and the line above says what a cell has`);
    const layout = (this.layout = new BoxLayout({ direction: 'top-to-bottom', spacing: 0 }));
    const controls = new ShownWidget(
      <Controls model={this.model} cell={() => this.cell()} copy={() => void this.copy()} />,
      shown => this.model.show(shown)
    );
    layout.addWidget(controls);
    layout.addWidget(this.grid);
    BoxLayout.setSizeBasis(controls, 116);
    BoxLayout.setStretch(controls, 0);
    BoxLayout.setStretch(this.grid, 1);
    this.theme.observe(document.body, { attributeFilter: ['data-jp-theme-name'] });
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.theme.disconnect();
      this.model.dispose();
      super.dispose();
    }
  }

  protected onCloseRequest(message: Message): void {
    super.onCloseRequest(message);
    this.dispose();
  }

  protected onActivateRequest(_: Message): void {
    this.grid.viewport.node.focus();
  }

  /** Of another order or filter the first rows are seen. */
  private reset(isAnother: boolean): void {
    if (isAnother) {
      this.selection.clear();
      this.grid.scrollTo(this.grid.scrollX, 0);
    }
    this.rows.reset();
  }

  private filled(rows: Span, columns: Span): void {
    this.rows.filled(rows, columns);
    this.model.choose(this.model.column); // the cell at the cursor may have come
  }

  /** The first column that is seen. */
  private firstColumn(): number {
    return Math.max(0, this.grid.columnAt('body', this.grid.scrollX));
  }

  private sort(column: number): void {
    const { order } = this.model;
    this.model.sort({ column, descending: order?.column === column && !order.descending });
  }

  /** What a reader of the screen says of the cell where the cursor is. */
  private cell(): string {
    const { cursorRow, cursorColumn } = this.selection;
    const column = this.model.columns[cursorColumn];
    if (!column || cursorRow < 0 || cursorRow >= this.model.rows) {
      return '';
    }
    const value = this.model.pages.cell(cursorRow, cursorColumn);
    const label = this.model.pages.label(cursorRow, cursorColumn) ?? '';
    return `Row ${label}, ${column.name}: ${value === null ? 'NA' : (value ?? '…')}`;
  }

  private async copy(): Promise<void> {
    const selected = this.selection.currentSelection();
    if (!selected) {
      this.model.say('Select the cells that are to be copied first.');
      return;
    }
    const [rows, columns] = [
      span(selected.r1, selected.r2, this.model.rows),
      span(selected.c1, selected.c2, this.model.columns.length)
    ];
    const page = await this.model.values(rows, columns);
    if (!page) {
      return;
    }
    const names = this.model.columns.slice(...columns).map(column => column.name);
    try {
      await navigator.clipboard.writeText(asText(names, page));
      this.model.say(`Copied ${page.labels.length} × ${names.length} cells.`);
    } catch {
      this.model.say('The browser has not allowed to copy.');
    }
  }
}

/** Both ends can be the first one, and lie outside of the table where whole rows or columns are selected. */
function span(one: number, other: number, count: number): Span {
  return [Math.max(0, Math.min(one, other)), Math.min(count, Math.max(one, other) + 1)];
}
