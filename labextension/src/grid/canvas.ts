/** Lumino's data grid as it is used here: in the colours of the theme, with NA unlike a text, and a copy of whole values. */
import {
  BasicKeyHandler,
  BasicMouseHandler,
  BasicSelectionModel,
  CellRenderer,
  DataGrid,
  DataModel,
  TextRenderer
} from '@lumino/datagrid';

/** What users do with the cells. */
export interface Actions {
  copy(): void;
  sort(column: number): void;
  select(column: number): void;
}

class Keys extends BasicKeyHandler {
  constructor(private actions: Actions) {
    super();
  }

  /** Lumino would copy only what has come from R. */
  protected onKeyC(_: DataGrid, event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      event.stopPropagation();
      this.actions.copy();
    }
  }
}

class Mouse extends BasicMouseHandler {
  constructor(private actions: Actions) {
    super();
  }

  onMouseDoubleClick(grid: DataGrid, event: MouseEvent): void {
    const hit = grid.hitTest(event.clientX, event.clientY);
    if (hit.region === 'column-header') {
      this.actions.sort(hit.column);
    }
  }
}

/** Make the grid, and the selection of its cells. */
export function createCanvas(rows: DataModel, actions: Actions): { grid: DataGrid; selection: BasicSelectionModel } {
  const grid = new DataGrid({
    defaultSizes: { rowHeight: 22, columnWidth: 150, rowHeaderWidth: 80, columnHeaderHeight: 22 },
    headerVisibility: 'all'
  });
  const selection = new BasicSelectionModel({ dataModel: rows });
  grid.dataModel = rows;
  grid.selectionModel = selection;
  grid.keyHandler = new Keys(actions);
  grid.mouseHandler = new Mouse(actions);
  selection.changed.connect(() => actions.select(selection.cursorColumn));
  grid.viewport.node.tabIndex = 0; // the Tab key reaches it
  paint(grid);
  return { grid, selection };
}

/** Use the colours of JupyterLab's theme; a canvas cannot have them from a style sheet. */
export function paint(grid: DataGrid): void {
  const style = getComputedStyle(document.body);
  const colour = (name: string) => style.getPropertyValue(`--jp-${name}`).trim();
  grid.style = {
    ...DataGrid.defaultStyle,
    voidColor: colour('layout-color1'),
    backgroundColor: colour('layout-color1'),
    headerBackgroundColor: colour('layout-color2'),
    gridLineColor: colour('border-color2'),
    headerGridLineColor: colour('border-color1'),
    cursorBorderColor: colour('brand-color1'),
    selectionBorderColor: colour('brand-color1'),
    headerSelectionBorderColor: colour('brand-color1'),
    scrollShadow: { size: 0, color1: 'transparent', color2: 'transparent', color3: 'transparent' }
  };
  const font = `12px ${colour('ui-font-family') || 'sans-serif'}`;
  const [text, faint] = [colour('ui-font-color1'), colour('ui-font-color2')];
  const isMissing = (config: CellRenderer.CellConfig) => config.value === null;
  const body = new TextRenderer({
    font: config => (isMissing(config) ? `italic ${font}` : font),
    textColor: config => (isMissing(config) ? faint : text),
    horizontalAlignment: config => (config.metadata.isNumber ? 'right' : 'left'),
    elideDirection: config => (config.metadata.isNumber ? 'left' : 'right'), // what is cut off is marked by …
    format: ({ value }) => (value === null ? 'NA' : value === undefined ? '…' : oneLine(value))
  });
  const header = new TextRenderer({ font, textColor: text, format: ({ value }) => oneLine(value ?? '') });
  grid.cellRenderers.update({ body, 'row-header': header, 'column-header': header, 'corner-header': header });
}

/** Line breaks within a cell are shown as signs. */
function oneLine(text: string): string {
  return text.replaceAll('\n', '↵').replaceAll('\t', '→');
}
